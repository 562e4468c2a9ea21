package config

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const manyLines = "a value of several lines starts with | after its key"

// sourceLine holds the parts of a line of a block mapping or list.
type sourceLine struct {
	prefix string // indentation, dashes, key, colon and the space after it
	key    string
	value  string // without a comment at its end
	raw    string // the value with that comment
	indent int    // bytes before the key, or before the dash when there is no key
	dashes string // the dashes before the key
}

// splitLine splits a line into its parts. In a line without a key, key is "" and the text is
// the value.
func splitLine(line string) sourceLine {
	l := sourceLine{indent: indentation(line)}
	rest := line[l.indent:]
	at := l.indent
	for strings.HasPrefix(rest, "- ") {
		l.indent = at
		trimmed := strings.TrimLeft(rest[1:], " ")
		l.dashes += "- "
		at += len(rest) - len(trimmed)
		rest = trimmed
	}
	if i := keyEnd(rest); i > 0 {
		l.key, l.indent = strings.TrimSpace(rest[:i]), at
		trimmed := strings.TrimLeft(rest[i+1:], " ")
		at += len(rest) - len(trimmed)
		rest = trimmed
	}
	l.prefix, l.raw = line[:at], strings.TrimRight(rest, " \t")
	l.value = withoutComment(l.raw)
	return l
}

// keyEnd returns the index of the colon after a key, or 0 when the text has no key.
func keyEnd(text string) int {
	if text == "" || strings.ContainsRune("{[!&*|>%@`#", rune(text[0])) {
		return 0
	}
	start := 0
	if q := text[0]; q == '"' || q == '\'' {
		i := strings.IndexByte(text[1:], q)
		if i < 0 {
			return 0
		}
		start = i + 2
		if !strings.HasPrefix(text[start:], ":") {
			return 0
		}
	}
	for i := start; i < len(text); i++ {
		if text[i] == ':' && (i+1 == len(text) || text[i+1] == ' ') {
			return i
		}
	}
	return 0
}

// withoutComment returns a value without its comment. A # after an unfinished text belongs to
// an expression, which YAML cuts there, and stays.
func withoutComment(value string) string {
	if i := strings.Index(value, " #"); i >= 0 && finished(value[:i]) {
		return strings.TrimRight(value[:i], " \t")
	}
	return value
}

// trap is a value that YAML reads differently than its author intended.
type trap struct {
	code, message, hint string
	col, width          int
}

// trap reports a trap. The hint does not quote a line that may contain a secret.
func (p *parser) trap(t trap, number, col int) {
	if p.hideSecretLine(number) {
		t.hint = "put single quotes around the value"
	}
	p.add(Problem{Pos: Pos{p.doc.file, number, max(col-p.shift[number], 1)}, Width: t.width}, t.code, t.message, t.hint)
}

// findTrap searches for a line that explains a syntax error, backwards from the line where
// YAML gave up.
func findTrap(lines []string, number int, message string) (int, trap, bool) {
	const back = 30
	if strings.Contains(message, "mapping values") {
		t, ok := colonTrap(lines[number-1])
		return number, t, ok
	}
	for n := number; n >= max(1, number-back); n-- {
		if t, ok := lineTrap(lines[n-1]); ok {
			return n, t, true
		}
	}
	return 0, trap{}, false
}

// anchored matches a value that begins with an anchor of YAML.
var anchored = regexp.MustCompile(`^&[A-Za-z0-9_-]+( |$)`)

// lineTrap diagnoses a line by the start of its value.
func lineTrap(line string) (trap, bool) {
	l := splitLine(line)
	if l.value == "" || strings.HasPrefix(l.value, "#") {
		return trap{}, false
	}
	t := trap{col: 1 + utf8.RuneCountInString(l.prefix), width: utf8.RuneCountInString(l.value)}
	switch first := l.value[0]; {
	case first == '"' || first == '\'':
		end := closing(l.value)
		if end < 0 || end+1 == len(l.value) {
			return t, false
		}
		t.code = codeTrapQuote
		t.message = "the value starts with a quotation mark and continues after the closing one"
		t.hint = l.rewritten()
	case first == '!':
		return tagTrap(line), true
	case first == '{' || first == '[':
		if balanced(l.value) && !strings.Contains(l.value, "${") &&
			strings.HasSuffix(l.value, map[byte]string{'{': "}", '[': "]"}[first]) && !strings.Contains(l.value[1:], "[") {
			return t, false
		}
		return flowTrap(line), true
	case anchored.MatchString(l.value):
		return trap{}, false
	case strings.ContainsRune("*&@`%", rune(first)) ||
		(first == '|' || first == '>') && strings.Trim(l.value[1:], "+-0123456789") != "",
		l.key != "" && (strings.HasPrefix(l.value, "- ") || strings.HasPrefix(l.value, "? ")):
		t.code, t.width = codeTrapIndicator, 1
		t.message = "a value that starts with " + string(first) + " means something else in YAML"
		t.hint = l.rewritten()
	case strings.Contains(l.value, " #"):
		return hashTrap(l, t), true
	default:
		return t, false
	}
	return t, true
}

// colonTrap diagnoses a colon and a space in a plain value.
func colonTrap(line string) (trap, bool) {
	l := splitLine(line)
	at := strings.Index(l.value+" ", ": ")
	if l.key == "" && l.dashes == "" || strings.ContainsAny(l.key, " ?()\"'=") {
		at = strings.Index(line+" ", ": ")
		return trap{codeTrapColon, "a colon and a space end a key in YAML",
			manyLines, utf8.RuneCountInString(line[:max(at, 0)]) + 1, 1}, true
	}
	if at < 0 || strings.ContainsRune("{[|>", rune(l.value[0])) {
		return trap{}, false
	}
	t := trap{codeTrapColon, "a colon and a space inside an unquoted value start a new key in YAML", l.rewritten(),
		1 + utf8.RuneCountInString(l.prefix+l.value[:at]), 1}
	return t, true
}

// tagTrap returns the trap of a value that starts with an exclamation mark.
func tagTrap(line string) trap {
	l := splitLine(line)
	return trap{codeTrapTag, "a value that starts with ! is a tag in YAML", l.rewritten(),
		1 + utf8.RuneCountInString(l.prefix), utf8.RuneCountInString(l.value)}
}

// hashTrap returns the trap of an expression that YAML cuts at a space and a #.
func hashTrap(l sourceLine, t trap) trap {
	at := strings.Index(l.raw, " #")
	t.code, t.width = codeTrapHash, 1
	t.message = "a space and a # start a comment in YAML: the expression ends before it"
	t.col += utf8.RuneCountInString(l.raw[:max(at, 0)]) + 1
	l.value = l.raw
	t.hint = l.rewritten()
	return t
}

// withinQuotes returns a value without the quotation marks around it. ok is true when the
// marks were intended for YAML and the text inside has quotation marks too: a letter or digit
// follows directly after the mark that seems to close the value.
func withinQuotes(value string) (string, bool) {
	if value == "" || value[0] != '"' && value[0] != '\'' || value[len(value)-1] != value[0] {
		return "", false
	}
	end, inner := closing(value), value[1:len(value)-1]
	if end < 0 || end+1 >= len(value) || !finished(inner) {
		return "", false
	}
	next, _ := utf8.DecodeRuneInString(value[end+1:])
	return inner, unicode.IsLetter(next) || unicode.IsDigit(next)
}

// rewritten returns a hint with the line's value in quotes or as a block.
func (l sourceLine) rewritten() string {
	if l.key == "" && l.dashes == "" {
		return manyLines
	}
	key := l.dashes
	if l.key != "" {
		key += l.key + ": "
	}
	if inner, ok := withinQuotes(l.value); ok {
		if !strings.Contains(inner, ": ") && !strings.Contains(inner, " #") {
			return "write " + key + inner
		}
		l.value = inner
	}
	if !strings.Contains(l.value, "'") {
		return "write " + key + "'" + l.value + "'"
	}
	return "write " + key + "|\n        " + l.value
}
