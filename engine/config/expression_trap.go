package config

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// expressionTraps reports faults of an expression that its text alone does not show: a
// ${variable}, and text that YAML cut off as a comment. It returns false when it found one.
func (d *Decoder) expressionTraps(n *Node) bool {
	if i := strings.Index(n.text, "${"); i >= 0 {
		at := n.span(i, i+2)
		if end := strings.IndexByte(n.text[i:], '}'); end > 0 {
			at.Width = utf8.RuneCountInString(n.text[i : i+end+1])
		}
		d.fail(at, n, codeVariableInExpr, "variables are never replaced in an expression",
			"define it under vars and write vars.NAME here")
		return false
	}
	if n.style != plain || n.comment == "" || finished(n.text) {
		return true
	}
	number := n.pos.Line
	for !strings.Contains(n.doc.line(number), " #") && number < len(n.doc.lines) {
		number++
	}
	l := splitLine(n.doc.line(number))
	t := hashTrap(l, trap{col: 1 + utf8.RuneCountInString(l.prefix)})
	d.fail(Problem{Pos: Pos{n.pos.File, number, t.col}, Width: t.width}, n, t.code, t.message, t.hint)
	return false
}

// trimText returns the text of an expression without white space at its end. Leading white
// space stays because Expression.Pos counts it.
func trimText(n *Node) string {
	text := strings.TrimRight(n.text, " \t\r\n")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return text
}

// openEnd matches text that ends with an operator and is therefore incomplete.
var openEnd = regexp.MustCompile(`([-+*/%^?:|&=<>!,.]|(^|[\s)\]])(and|or|not|in|contains|startsWith|endsWith|matches))$`)

// finished reports whether a text may be a whole expression: its brackets and quotation marks
// are closed and it does not end with an operator.
func finished(text string) bool {
	text = strings.TrimSpace(text)
	return balanced(text) && (!openEnd.MatchString(text) || percentage.MatchString(text))
}

// percentage matches a number followed by a % that is not an operator.
var percentage = regexp.MustCompile(`^[0-9.]+%$`)

// balanced reports whether all brackets and quotation marks of a text are closed.
func balanced(text string) bool {
	var open []rune
	var quote rune
	escaped := false
	for _, r := range text {
		switch {
		case quote != 0:
			if r == quote && !escaped {
				quote = 0
			}
			escaped = r == '\\' && !escaped && quote != '`'
		case r == '"' || r == '\'' || r == '`':
			quote = r
		case r == '(' || r == '[' || r == '{':
			open = append(open, r)
		case r == ')' || r == ']' || r == '}':
			if len(open) == 0 || open[len(open)-1] != map[rune]rune{')': '(', ']': '[', '}': '{'}[r] {
				return false
			}
			open = open[:len(open)-1]
		}
	}
	return quote == 0 && len(open) == 0
}

// closing returns the index of the quotation mark that closes the one at the start of a text,
// or -1 when there is none.
func closing(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[0] == '"':
			i++
		case text[i] == text[0] && text[0] == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
		case text[i] == text[0]:
			return i
		}
	}
	return -1
}
