package config

import (
	"bufio"
	"io"
	"strings"
	"unicode"

	"github.com/pipe-engine/pipe/engine/display"
)

const excerptWidth = 120 // runes of a source line that are shown at most

// Render writes the problems for a person: the one-line form, the source line,
// a caret line and the hint. source gives the text of a file, nil when there is
// none to show; use Document.Source, which hides secrets.
func (ps Problems) Render(w io.Writer, source func(file string) []byte) {
	ps.RenderIn(w, source, func(_ Part, text string) string { return text })
}

// Part is a part of a rendered problem.
type Part uint8

// The parts.
const (
	Failing Part = iota // the first line of a problem
	Warned              // the first line of a warning
	Marked              // the carets
	Hinted              // the hint
	Quoted              // the line of the file and the carets below it
)

// RenderIn is Render with each part painted, which must not change how wide a text is.
func (ps Problems) RenderIn(w io.Writer, source func(file string) []byte, paint func(Part, string) string) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	files := map[string][]string{}
	for _, p := range ps.Sorted() {
		lines, ok := files[p.File]
		if !ok && source != nil && p.Line > 0 {
			lines = splitLines(string(source(p.File)))
			files[p.File] = lines
		}
		kind := Failing
		if p.Warning {
			kind = Warned
		}
		out.WriteString(paint(kind, string(display.Indent(p.String(), "  "))) + "\n")
		if p.Line > 0 && p.Line <= len(lines) {
			text, caret := excerpt(lines[p.Line-1], p.Col, p.Width)
			out.WriteString(paint(Quoted, "    "+text+"\n    "+paint(Marked, caret)) + "\n")
		}
		if p.Hint != "" {
			out.WriteString(paint(Hinted, "  hint: "+string(display.Indent(p.Hint, "        "))) + "\n")
		}
	}
}

// excerpt is the part of a line that is worth showing and the carets below it.
func excerpt(line string, col, width int) (text, caret string) {
	runes := []rune(line)
	for i, r := range runes {
		if unicode.IsControl(r) {
			runes[i] = ' '
		}
	}
	start := min(max(col-1, 0), len(runes))
	end := min(start+max(width, 1), max(len(runes), start+1))
	from, to, before := 0, len(runes), ""
	if len(runes) > excerptWidth {
		from = max(0, start-excerptWidth/3)
		to = min(len(runes), from+excerptWidth)
		if from > 0 {
			before = "… "
		}
		end = min(end, max(to, start+1))
	}
	text = before + string(runes[from:to])
	if to < len(runes) {
		text += " …"
	}
	pad := strings.Repeat(" ", len([]rune(before))+start-from)
	return strings.TrimRight(text, " "), pad + strings.Repeat("^", end-start)
}

// splitLines cuts text at \n, \r\n and \r, as YAML does.
func splitLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}
