"""Compares redact with itself without hints, on random texts. Run by redact_test.go."""

import random
import sys

import redact

TEXTS = [
    "ghp_" + "a" * 36, "github_pat_" + "b" * 22, "glpat-" + "c" * 20, "xoxb-1234567890", "AKIA" + "A" * 16,
    "ASIA" + "B" * 16, "AIza" + "d" * 35, "eyJabcdefgh.abcdefgh1.abcdefgh2", "password: hunter22x",
    "PASSWD=abcdefg1hij", "\u017fecret: abc1234567", "to\u212aen=abc12345678", "ap\u0131_key: abc1234567",
    "API-Key = 'zzz1zzzzzzzzz'", "ann@example.com", "https://u:pw1@host/x", "a@b", "\u0130@x.co",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "plain words",
]

# One text at least for each alternative of each pattern.
assert all(any(p.search(t) for t in TEXTS) for _, p, _ in redact.Redact({}).patterns)

with_hints, without = redact.Redact({}), redact.Redact({})
without.patterns = [(name, pattern, [""]) for name, pattern, _ in without.patterns]
random.seed(1)
for _ in range(20_000):
    parts = [random.choice(TEXTS) if random.random() < .5 else "".join(random.choices("ab@:/=\u017fK\u0131\u0130.\"' x1", k=6))
             for _ in range(random.randint(1, 6))]
    text = random.choice(["", " "]).join(parts)
    if with_hints.redact(text) != without.redact(text):
        sys.exit(f"{text!r}: {with_hints.redact(text)!r}, without hints {without.redact(text)!r}")
