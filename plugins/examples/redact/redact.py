#!/usr/bin/python3
"""Redact is a transform plugin for pipe: it replaces secrets and e-mail addresses
in the text of records.

It is one file, needs Python 3.9 and grpcio (Debian: apt-get install
python3-grpcio), and no generated code: every field of the wire
(plugins/proto/transform.proto) is a length-delimited one, which `fields` and
`message` read and write. To make a plugin of your own, change the part up to
"The wire" and keep the rest.
"""

import json
import os
import re
import signal
import sys
import tempfile
import threading
import traceback
from concurrent import futures

NAME = "redact"
VERSION = "1.0.0"
SUMMARY = "replaces secrets and e-mail addresses in the text of records"

# The paths that are read and written.
PATHS = ["metadata.title", "metadata.description", "metadata.links", "spec.definition"]

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "fields": {
            "type": "array", "items": {"type": "string", "enum": PATHS}, "default": PATHS,
            "description": "the fields that are redacted",
        },
        "secrets": {"type": "boolean", "default": True, "description": "replace what looks like a secret"},
        "emails": {"type": "boolean", "default": True, "description": "replace e-mail addresses"},
        "patterns": {
            "type": "object", "additionalProperties": {"type": "string"}, "default": {},
            "description": "more patterns: what a match is called, and a regular expression of Python",
        },
    },
}

EXAMPLE = {
    "config": {"patterns": {"ticket": "OPS-[0-9]+"}},
    "record": {
        "kind": "API", "ref": "api:default/orders",
        "metadata": {"description": "Ask ann@example.com, see OPS-12"},
    },
}

# The group `keep`, where there is one, stays before what replaces a match.
# Repetitions are bounded: a match never takes more than linear time.
SECRETS = {
    "private key": r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,8192}?-----END [A-Z ]{0,40}PRIVATE KEY-----",
    "token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}|glpat-[A-Za-z0-9_-]{20,64}"
             r"|xox[abeoprs]-[A-Za-z0-9-]{10,255}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}"
             r"|eyJ[A-Za-z0-9_-]{8,2048}\.[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,1024})",
    "password": r"(?P<keep>\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,64}:)[^\s/@]{1,255}(?=@)",
    "secret": r"(?P<keep>(?i:password|passwd|secret|token|api[_-]?key)[\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?)"
              r"(?=[^\s\"',;]{0,200}[0-9])[^\s\"',;\[#${][^\s\"',;]{7,254}",
}
# One of the hints of a pattern is in every text that it matches, after casefold. They are
# looked for first, since that is much faster than the pattern.
HINTS = {
    "private key": ["private key-----"],
    "token": ["gh", "github_pat_", "glpat-", "xox", "akia", "asia", "aiza", "eyj"],
    "password": ["://"],
    "secret": ["password", "passwd", "secret", "token", "key"],
    "e-mail": ["@"],
}
EMAIL = r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"


class ConfigError(Exception):
    """A config that cannot be used, and the field that it is about."""

    def __init__(self, field, why):
        super().__init__(why)
        self.field = field


class Redact:
    """The patterns and fields of one config."""

    def __init__(self, config):
        unknown = sorted(set(config) - set(SCHEMA["properties"]))
        if unknown:
            raise ConfigError(unknown[0], "there is no such field")
        self.fields = config.get("fields", PATHS)
        for path in self.fields:
            if path not in PATHS:
                raise ConfigError("fields", f"{path} is not one of {', '.join(PATHS)}")
        patterns = dict(SECRETS) if config.get("secrets", True) else {}
        if config.get("emails", True):
            patterns["e-mail"] = EMAIL
        self.patterns = [(name, re.compile(p), HINTS[name]) for name, p in patterns.items()]
        for name, pattern in config.get("patterns", {}).items():
            try:
                self.patterns.append((name, re.compile(pattern), [""]))
            except re.error as e:
                raise ConfigError(f"patterns.{name}", f"it is not a regular expression: {e}") from e

    def transform(self, record):
        """The paths of the record that change, with their new values."""
        changes = {}
        for path in self.fields:
            old = get(record, path)
            new = self.redact(old)
            if new != old:
                changes[path] = new
        return changes

    def redact(self, value):
        if isinstance(value, str):
            folded = value.casefold()
            for name, pattern, hints in self.patterns:
                if not any(hint in folded for hint in hints):
                    continue
                value = pattern.sub(lambda m: (m.groupdict().get("keep") or "") + f"[redacted {name}]", value)
            return value
        if isinstance(value, list):
            return [self.redact(v) for v in value]
        if isinstance(value, dict):
            return {k: self.redact(v) for k, v in value.items()}
        return value


def get(record, path):
    for step in path.split("."):
        if not isinstance(record, dict):
            return None
        record = record.get(step)
    return record


# ---- The wire ---------------------------------------------------------------

def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def message(*parts):
    """A protobuf message of (field number, bytes or str); empty ones are left out."""
    out = []
    for number, value in parts:
        if isinstance(value, str):
            value = value.encode()
        if value is not None:
            out += [varint(number << 3 | 2), varint(len(value)), value]
    return b"".join(out)


def fields(data, number):
    """The values of one length-delimited field; fields of other types are skipped."""
    out, at = [], 0

    def number_at():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    while at < len(data):
        tag = number_at()
        kind = tag & 7
        if kind == 2:
            size = number_at()
            if tag >> 3 == number:
                out.append(data[at:at + size])
            at += size
        elif kind == 0:
            number_at()
        else:
            at += {1: 8, 5: 4}[kind]
    return out


class Service:
    """Answers Describe, Configure and Transform; each takes and gives bytes."""

    def __init__(self):
        self.redact = None

    def describe(self, _request, _context):
        return message(
            (1, NAME), (2, VERSION), (3, SUMMARY), (4, json.dumps(SCHEMA)),
            *[(5, path) for path in PATHS], *[(6, path) for path in PATHS], (7, json.dumps(EXAMPLE)))

    def configure(self, request, _context):
        try:
            given = fields(request, 1)
            self.redact = Redact(json.loads(given[-1]) if given and given[-1] else {})
        except ConfigError as e:
            return message((1, str(e)), (2, e.field))
        except Exception as e:  # whatever it is, it is an answer and not the end
            return message((1, f"{type(e).__name__}: {e}"))
        return b""

    def transform(self, request, _context):
        return message(*[(1, self.outcome(raw)) for raw in fields(request, 1)])

    def outcome(self, raw):
        try:
            changes = self.redact.transform(json.loads(raw))
        except Exception:
            return message((4, traceback.format_exc()))
        if not changes:
            return b""
        shaped = {}
        for path, value in changes.items():
            *above, key = path.split(".")
            below = shaped
            for step in above:
                below = below.setdefault(step, {})
            below[key] = value
        return message((1, json.dumps(shaped)), *[(2, path) for path in changes])


def main():
    debug = "--debug" in sys.argv[1:]
    if not debug and os.environ.get("PIPE_PLUGIN") != "transform":
        sys.exit(f"{NAME} {VERSION} is a plugin of pipe ({SUMMARY}): "
                 "name its path under `plugin:` in a pipeline file, or start it with --debug")
    try:
        import grpc
    except ImportError:
        sys.exit(f"{NAME} needs grpcio: apt-get install python3-grpcio, or pip install grpcio")

    ended = threading.Event()
    service = Service()

    def shutdown(_request, _context):
        if not debug:
            ended.set()
        return b""

    unary = grpc.unary_unary_rpc_method_handler
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=4),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler("pipe.plugin.v1.Transform", {
            "Describe": unary(service.describe),
            "Configure": unary(service.configure),
            "Transform": unary(service.transform)}),
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {
            "Check": unary(lambda _request, _context: b"\x08\x01")}),
        grpc.method_handlers_generic_handler("plugin.GRPCController", {
            "Shutdown": unary(shutdown)})))

    with tempfile.TemporaryDirectory(prefix="plugin", dir=os.environ.get("PLUGIN_UNIX_SOCKET_DIR")) as folder:
        path = os.path.join(folder, "socket")
        server.add_insecure_port("unix:" + path)
        server.start()
        if debug:
            line = {NAME: {"network": "unix", "address": path, "pid": os.getpid(), "version": 1}}
            print(f"PIPE_REATTACH_PLUGINS='{json.dumps(line)}'", flush=True)
            signal.signal(signal.SIGINT, lambda *_: ended.set())
        else:
            print(f"1|1|unix|{path}|grpc", flush=True)
            os.dup2(2, 1)  # what is printed from now on goes to pipe's log
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # pipe says when it ends
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        parent = os.getppid()
        while not ended.wait(0.5):
            if not debug and os.getppid() != parent:
                break  # pipe has gone
        server.stop(0.2).wait()
    sys.stderr.flush()
    os._exit(0)  # a call that still runs does not keep the process


if __name__ == "__main__":
    main()
