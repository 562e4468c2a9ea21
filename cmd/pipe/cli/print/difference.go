package print

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
)

// The most lines of a value that are shown.
const (
	linesBefore = 8
	linesAfter  = 40
)

// Difference shows a difference as lines that went and lines that came.
func Difference(d codec.Difference, st Style) string {
	before, after := DifferingLines(d)
	var b strings.Builder
	b.WriteString("  " + display.Line(d.Path) + "\n")
	some := func(sign string, lines []string, most int, paint func(...string) string) {
		for _, line := range lines[:min(most, len(lines))] {
			b.WriteString(paint("  "+sign+" "+display.Line(line)) + "\n")
		}
		if more := len(lines) - most; more > 0 {
			b.WriteString(st.Dim.Render("  "+sign+" … "+display.Plural(more, "more line")+"; --json shows all") + "\n")
		}
	}
	some("-", before, linesBefore, st.Bad.Render)
	some("+", after, linesAfter, st.Good.Render)
	return b.String()
}

// DifferingLines are the lines that went and those that came, without what both begin
// and end with.
func DifferingLines(d codec.Difference) (before, after []string) {
	before, after = linesOf(d.Before), linesOf(d.After)
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	return before, after
}

func linesOf(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return strings.Split(v, "\n")
	}
	b, err := codec.Marshal(v)
	if err != nil {
		return []string{err.Error()}
	}
	return []string{string(b)}
}
