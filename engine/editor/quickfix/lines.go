package quickfix

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/editor/text"
)

var lineParts = regexp.MustCompile(`^(\s*(?:- +)*(?:[\w./-]+: +|"[^"]*": +)?)(.*?)(\s+#.*)?$`)

// parts splits a line into what is before its value, the value, and the comment after it.
func parts(line string) (before, value, comment string) {
	m := lineParts.FindStringSubmatch(line)
	if m == nil {
		return "", line, ""
	}
	return m[1], m[2], m[3]
}

// value replaces the value of the line. The comment stays, unless the new value has it inside.
func (l place) value(found []string) []candidate {
	before, _, comment := parts(l.text())
	want := found[1]
	if strings.Contains(want, strings.TrimSpace(comment)) {
		comment = ""
	}
	title, _, _ := strings.Cut("Write "+strings.TrimSpace(before)+" "+want, "\n")
	return []candidate{change(title, text.Edit{From: l.start + len(before), To: l.end, New: want + comment})}
}

// indented moves the line, alone or with what is below it.
func (l place) indented(found []string) []candidate {
	col, err := strconv.Atoi(found[1])
	if err != nil || col > 1000 {
		return nil
	}
	own := indentation(l.text())
	move := func(n int) text.Edit {
		from, _ := l.d.LineSpan(n)
		had := indentation(l.d.Line(n))
		return text.Edit{From: from, To: from + had, New: strings.Repeat(" ", max(0, had+col-1-own))}
	}
	title := "Start the line in column " + found[1]
	edits := []text.Edit{move(l.line)}
	out := []candidate{change(title, edits...)}
	for n := l.line + 1; n < l.d.Lines(); n++ {
		if line := l.d.Line(n); strings.TrimSpace(line) == "" || indentation(line) > own {
			edits = append(edits, move(n))
			continue
		}
		break
	}
	return append(out, change(title, edits...))
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// spaces replaces the tabs before the text of the line.
func (l place) spaces([]string) []candidate {
	white := len(l.text()) - len(strings.TrimLeft(l.text(), " \t"))
	var out []candidate
	widths := []int{4, 2, 8}
	for n := l.line - 1; n >= 0; n-- {
		if strings.TrimSpace(l.d.Line(n)) != "" {
			widths = append([]int{-indentation(l.d.Line(n))}, widths...)
			break
		}
	}
	for _, w := range widths {
		indent := strings.Repeat(" ", max(0, -w))
		if w > 0 {
			indent = strings.ReplaceAll(l.text()[:white], "\t", strings.Repeat(" ", w))
		}
		out = append(out, change("Indent with spaces", text.Edit{From: l.start, To: l.start + white, New: indent}))
	}
	return out
}

// dash makes a mapping the only item of a list.
func (l place) dash([]string) []candidate {
	own := indentation(l.text())
	edits := []text.Edit{{From: l.start + own, To: l.start + own, New: "- "}}
	for n := l.line + 1; n < l.d.Lines(); n++ {
		line := l.d.Line(n)
		if strings.TrimSpace(line) == "" {
			continue
		}
		if indentation(line) < own {
			break
		}
		from, _ := l.d.LineSpan(n)
		edits = append(edits, text.Edit{From: from, To: from, New: "  "})
	}
	return []candidate{change("Make it an item of a list", edits...)}
}

// removed removes the entry that begins on the line.
func (l place) removed([]string) []candidate {
	own, to := indentation(l.text()), len(l.d.Text())
	for n := l.line + 1; n < l.d.Lines(); n++ {
		if line := l.d.Line(n); strings.TrimSpace(line) != "" && indentation(line) <= own {
			to, _ = l.d.LineSpan(n)
			break
		}
	}
	c := change("Remove the line", text.Edit{From: l.start, To: to})
	c.guess = true
	return []candidate{c}
}

// added adds a field to the next fields.
func (l place) added(found []string) []candidate {
	for n := l.line; n+1 < l.d.Lines() && n < l.line+20; n++ {
		if strings.TrimLeft(strings.TrimSpace(l.d.Line(n)), "- ") != "fields:" {
			continue
		}
		from, _ := l.d.LineSpan(n + 1)
		indent := strings.Repeat(" ", indentation(l.d.Line(n+1)))
		return []candidate{change("Add "+found[1], text.Edit{From: from, To: from, New: indent + found[1] + l.d.EOL()})}
	}
	return nil
}

// lines writes the lines of a hint in the place of the line.
func (l place) lines(lines string) []candidate {
	indent := strings.Repeat(" ", indentation(l.text()))
	new := indent + strings.ReplaceAll(strings.ReplaceAll(lines, "\n", "\n"+indent), "\n", l.d.EOL())
	return []candidate{change("Write one value per line", text.Edit{From: l.start, To: l.end, New: new})}
}
