package config

import (
	"strings"
	"unicode/utf8"
)

// flowTrap returns the trap of a line with text that YAML does not allow inside or after { }
// or [ ].
func flowTrap(line string) trap {
	l := splitLine(line)
	t := trap{code: codeTrapFlow, col: 1 + utf8.RuneCountInString(l.prefix), width: utf8.RuneCountInString(l.value)}
	inner, ok := unwrapped(l.value)
	if !ok &&
		strings.Count(l.value, "{")+strings.Count(l.value, "[") > strings.Count(l.value, "}")+strings.Count(l.value, "]") {
		t.code, t.message, t.hint, t.width = codeSyntax, "an opening bracket is not closed", "close it", 1
		return t
	}
	if !ok {
		t.message = "a value that starts with " + l.value[:min(1, len(l.value))] +
			" is a list or mapping in YAML, and nothing may follow its closing bracket"
		t.hint = l.rewritten()
		return t
	}
	t.message = "${…}, brackets and the commas of calls need quotes inside { } or [ ]"
	t.hint = "write one value per line:\n" + strings.Join(l.blockLines(inner), "\n")
	return t
}

// unwrapped returns the text between the brackets of a value that one pair encloses. ok is
// false for other values.
func unwrapped(value string) (inner string, ok bool) {
	depth := 0
	for i, r := range value {
		switch r {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		}
		if depth <= 0 {
			return value[min(1, len(value)):i], i > 0 && i == len(value)-1
		}
	}
	return "", false
}

// blockLines returns the lines of a flow mapping or list in block style.
func (l sourceLine) blockLines(inner string) []string {
	out := []string{l.dashes + l.key + ":"}
	if l.key == "" {
		out = nil
	}
	dash := ""
	if strings.HasPrefix(l.value, "[") {
		dash = "- "
	}
	start, depth := 0, 0
	for i, r := range inner + "," {
		switch {
		case strings.ContainsRune("{[(", r):
			depth++
		case strings.ContainsRune("}])", r):
			depth--
		case r == ',' && depth == 0:
			out = append(out, "  "+dash+strings.TrimSpace(inner[start:i]))
			start = i + 1
		}
	}
	return out
}
