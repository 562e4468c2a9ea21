package quickfix

import (
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine/editor/text"
)

// around extends the marked text over the path that leads to it, and with call over the
// arguments after it.
func (l place) around(slashes, call bool) (from, to int) {
	s := l.d.Text()
	from, to = l.from, l.to
	for from > l.start {
		c := s[from-1]
		switch {
		case c == ']' || c == ')':
			open := opening(s[l.start:from])
			if open < 0 {
				return from, to
			}
			from = l.start + open
			continue
		case c == '.' || c == '_' || c == '#' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		case slashes && (c == '/' || c == '-'):
		default:
			return from, l.after(to, slashes, call)
		}
		from--
	}
	return from, l.after(to, slashes, call)
}

func (l place) after(to int, slashes, call bool) int {
	s := l.d.Text()
	for slashes && to < l.end && regexp.MustCompile(`[\w/.-]`).MatchString(s[to:to+1]) {
		to++
	}
	if call && to < l.end && s[to] == '(' {
		depth := 0
		for i := to; i < l.end; i++ {
			switch s[i] {
			case '(':
				depth++
			case ')':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	return to
}

// opening returns the index of the bracket that the last byte closes, -1 for none.
func opening(s string) int {
	depth := 0
	for i := len(s) - 1; i >= 0; i-- {
		switch s[i] {
		case ')', ']':
			depth++
		case '(', '[':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// braces removes the {{ }} of a template.
func (l place) braces([]string) []candidate {
	new := regexp.MustCompile(`\{\{\s*(.*?)\s*\}\}`).ReplaceAllString(l.text(), "$1")
	return []candidate{change("Remove the braces", text.Edit{From: l.start, To: l.end, New: new})}
}

// brackets closes what is open at the end of the line.
func (l place) brackets([]string) []candidate {
	var open []byte
	quote := byte(0)
	before, value, _ := parts(l.text())
	for _, c := range []byte(value) {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"':
			quote = c
		case c == '(':
			open = append(open, ')')
		case c == '[':
			open = append(open, ']')
		case (c == ')' || c == ']') && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	close := ""
	for i := len(open) - 1; i >= 0; i-- {
		close += string(open[i])
	}
	at := l.start + len(before) + len(value)
	return []candidate{change("Close it with "+close, text.Edit{From: at, To: at, New: close})}
}

// number makes text of a number next to a plus sign.
func (l place) number([]string) []candidate {
	s := l.d.Text()
	var out []candidate
	if m := regexp.MustCompile(`^\s*(\d+(?:\.\d+)?)`).FindStringSubmatchIndex(s[l.to:l.end]); m != nil {
		n := s[l.to+m[2] : l.to+m[3]]
		out = append(out, change("Write text("+n+")", text.Edit{From: l.to + m[2], To: l.to + m[3], New: "text(" + n + ")"}))
	}
	if m := regexp.MustCompile(`(\d+(?:\.\d+)?)\s*$`).FindStringSubmatchIndex(s[l.start:l.from]); m != nil {
		n := s[l.start+m[2] : l.start+m[3]]
		out = append(out, change("Write text("+n+")",
			text.Edit{From: l.start + m[2], To: l.start + m[3], New: "text(" + n + ")"}))
	}
	return out
}

// wrapped puts the value of the line into calls.
func (l place) wrapped(calls ...string) []candidate {
	_, value, _ := parts(l.text())
	var out []candidate
	for _, call := range calls {
		out = append(out, l.value([]string{"", strings.Replace(call, "%", value, 1)})...)
	}
	return out
}

// lambda writes # for the parameter of a function.
func (l place) lambda([]string) []candidate {
	_, value, _ := parts(l.text())
	m := regexp.MustCompile(`(\w+)\s*=>\s*`).FindStringSubmatch(value)
	if m == nil {
		return nil
	}
	new := regexp.MustCompile(`\b`+m[1]+`\b`).ReplaceAllString(strings.Replace(value, m[0], "", 1), "#")
	if strings.Contains(new, " #") && !strings.Contains(new, "'") {
		new = "'" + new + "'"
	}
	return l.value([]string{"", new})
}
