package expression

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode"
)

// textFunctions returns the functions that convert a text.
func textFunctions() []Function {
	return []Function{{
		Name: "text", Signature: "text(value)", MinArgs: 1, MaxArgs: 1, Gives: TextKind,
		Doc:      "The text of a number, of true or false, or of a text. Nil stays nil.",
		Examples: []Example{{Expr: `text(3)`, Result: "3"}, {Expr: `text(nil)`}},
		Call:     onText(func(text string) (any, error) { return text, nil }),
	}, {
		Name: "lower", Signature: "lower(text)", MinArgs: 1, MaxArgs: 1, Gives: TextKind,
		Doc:      "The text in lower case.",
		Examples: []Example{{Expr: `lower("Team-A")`, Result: "team-a"}},
		Call:     onText(func(text string) (any, error) { return strings.ToLower(text), nil }),
	}, {
		Name: "upper", Signature: "upper(text)", MinArgs: 1, MaxArgs: 1, Gives: TextKind,
		Doc:      "The text in upper case.",
		Examples: []Example{{Expr: `upper("api")`, Result: "API"}},
		Call:     onText(func(text string) (any, error) { return strings.ToUpper(text), nil }),
	}, {
		Name: "titlecase", Signature: "titlecase(text)", MinArgs: 1, MaxArgs: 1, Gives: TextKind,
		Doc:      "The text trimmed, each word with a capital first letter and small ones after it.",
		Examples: []Example{{Expr: `titlecase("production ")`, Result: "Production"}, {Expr: `titlecase("IN review")`, Result: "In Review"}},
		Call:     onText(func(text string) (any, error) { return titlecase(strings.TrimSpace(text)), nil }),
	}, {
		Name: "trim", Signature: "trim(text[, characters])", MinArgs: 1, MaxArgs: 2, Gives: TextKind,
		Doc:      "The text without white space, or the characters given, at both ends.",
		Examples: []Example{{Expr: `trim("  a b ")`, Result: "a b"}, {Expr: `trim("/docs/", "/")`, Result: "docs"}},
		Call: onTexts(func(t []string) (any, error) {
			if len(t) == 1 {
				return strings.TrimSpace(t[0]), nil
			}
			return strings.Trim(t[0], t[1]), nil
		}),
	}, {
		Name: "trimPrefix", Signature: "trimPrefix(text, prefix)", MinArgs: 2, MaxArgs: 2, Gives: TextKind,
		Doc:      "The text without the prefix, if it has it.",
		Examples: []Example{{Expr: `trimPrefix("url:https://example.com", "url:")`, Result: "https://example.com"}},
		Call:     onTexts(func(t []string) (any, error) { return strings.TrimPrefix(t[0], t[1]), nil }),
	}, {
		Name: "trimSuffix", Signature: "trimSuffix(text, suffix)", MinArgs: 2, MaxArgs: 2, Gives: TextKind,
		Doc:      "The text without the suffix, if it has it.",
		Examples: []Example{{Expr: `trimSuffix("billing.yaml", ".yaml")`, Result: "billing"}},
		Call:     onTexts(func(t []string) (any, error) { return strings.TrimSuffix(t[0], t[1]), nil }),
	}, {
		Name: "replace", Signature: "replace(text, old, new)", MinArgs: 3, MaxArgs: 3, Gives: TextKind,
		Doc:      "The text with every old replaced by new.",
		Examples: []Example{{Expr: `replace("a_b_c", "_", "-")`, Result: "a-b-c"}},
		Call:     onTexts(replace),
	}, {
		Name: "repeat", Signature: "repeat(text, times)", MinArgs: 2, MaxArgs: 2, Gives: TextKind,
		Doc:      "The text, repeated.",
		Examples: []Example{{Expr: `repeat("=", 3)`, Result: "==="}},
		Call:     pure(repeat),
	}, {
		Name: "slug", Signature: "slug(text)", MinArgs: 1, MaxArgs: 1, Gives: TextKind,
		Doc:      "The text in lower case, everything but letters and digits replaced by single hyphens.",
		Examples: []Example{{Expr: `slug("Payments & Billing (EU)")`, Result: "payments-billing-eu"}},
		Call:     onText(func(text string) (any, error) { return slug(text), nil }),
	}, {
		Name: "sha256", Signature: "sha256(text)", MinArgs: 1, MaxArgs: 1, Gives: TextKind,
		Doc:      "The SHA-256 of the text, as 64 hexadecimal digits.",
		Examples: []Example{{Expr: `sha256("a")[0:8]`, Result: "ca978112"}},
		Call: onText(func(text string) (any, error) {
			sum := sha256.Sum256([]byte(text))
			return hex.EncodeToString(sum[:]), nil
		}),
	}, {
		Name: "epoch", Signature: "epoch(time)", MinArgs: 1, MaxArgs: 1, Gives: NumberKind,
		Doc:      "The seconds since 1970 of a time such as 2024-05-01T12:00:00Z (RFC 3339).",
		Examples: []Example{{Expr: `epoch("2024-05-01T12:00:00+02:00")`, Result: 1714557600}},
		Call:     onText(epoch),
	}}
}

func titlecase(text string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		was := inside
		inside = unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || was && (r == '\'' || r == '’')
		if was {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, text)
}

func slug(text string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(text) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

func replace(t []string) (any, error) {
	if t[1] == "" {
		return t[0], nil
	}
	size := len(t[0]) + strings.Count(t[0], t[1])*(len(t[2])-len(t[1]))
	if err := fits(size); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(t[0], t[1], t[2]), nil
}

func repeat(args []any) (any, error) {
	text, ok, err := asText(args[0])
	if err != nil || !ok {
		return nil, err
	}
	times, ok := integer(args[1])
	if !ok || times < 0 {
		return nil, argumentError{"a whole number from 0 on", args[1]}
	}
	if text == "" || times > maxText {
		times = min(times, maxText+1)
	}
	if err := fits(len(text) * times); err != nil {
		return nil, err
	}
	return strings.Repeat(text, times), nil
}

func epoch(text string) (any, error) {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err != nil {
		return nil, errNotATime
	}
	return int(t.Unix()), nil
}

const errNotATime = valueError("takes a time such as 2024-05-01T12:00:00Z, but is given another text here")
