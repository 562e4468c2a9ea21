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
	before, after := d.Lines()
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
