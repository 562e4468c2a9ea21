// Package text holds the text of an open file and converts positions: editors count UTF-16 units,
// problems count runes, and edits need bytes. Lines end with LF, CRLF or CR, as YAML reads them.
package text

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Position is a place as editors count it: lines and UTF-16 units from 0.
type Position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// Range is a part of a text; End is not in it.
type Range struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

// Edit replaces the bytes from From up to To.
type Edit struct {
	From, To int
	New      string
}

// Document is a text. It does not change.
type Document struct {
	text   string
	starts []int // of the lines, in bytes
}

// bom is the byte order mark, which is in no column.
const bom = "\ufeff"

// New returns the document of a text.
func New(s string) *Document {
	d := &Document{text: s, starts: []int{0}}
	for i := 0; i < len(s); i++ {
		if s[i] == '\n' || s[i] == '\r' && (i+1 == len(s) || s[i+1] != '\n') {
			d.starts = append(d.starts, i+1)
		}
	}
	return d
}

// Text returns the whole text.
func (d *Document) Text() string { return d.text }

// Lines returns the number of lines, at least 1.
func (d *Document) Lines() int { return len(d.starts) }

// Line returns the text of a line, counted from 0, without its end; "" beyond the last.
func (d *Document) Line(n int) string {
	if n < 0 || n >= len(d.starts) {
		return ""
	}
	from, to := d.LineSpan(n)
	return d.text[from:to]
}

// LineSpan returns the bytes of a line without its end.
func (d *Document) LineSpan(n int) (from, to int) {
	n = min(max(n, 0), len(d.starts)-1)
	from, to = d.starts[n], len(d.text)
	if n+1 < len(d.starts) {
		to = d.starts[n+1]
	}
	to = from + len(strings.TrimRight(d.text[from:to], "\r\n"))
	if n == 0 && strings.HasPrefix(d.text, bom) {
		from = min(len(bom), to)
	}
	return from, to
}

// LineAt returns the line of a byte, counted from 0.
func (d *Document) LineAt(offset int) int {
	return sort.Search(len(d.starts), func(i int) bool { return d.starts[i] > offset }) - 1
}

// EOL returns how the lines of the text end.
func (d *Document) EOL() string {
	if strings.Contains(d.text, "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// Offset returns the byte of a position. A position beyond a line is the end of the line, and one
// inside a surrogate pair is before it.
func (d *Document) Offset(p Position) int {
	if p.Line < 0 {
		return 0
	}
	if p.Line >= len(d.starts) {
		return len(d.text)
	}
	from, to := d.LineSpan(p.Line)
	units := 0
	for i, r := range d.text[from:to] {
		units += width(r)
		if units > p.Character {
			return from + i
		}
	}
	return to
}

// Position returns the position of a byte.
func (d *Document) Position(offset int) Position {
	offset = min(max(offset, 0), len(d.text))
	line := d.LineAt(offset)
	from, _ := d.LineSpan(line)
	units := 0
	for _, r := range d.text[from:max(from, offset)] {
		units += width(r)
	}
	return Position{line, units}
}

// Span returns the range of two bytes.
func (d *Document) Span(from, to int) Range { return Range{d.Position(from), d.Position(to)} }

// OffsetOf returns the byte of a line and a column in runes, both from 1, as problems count.
func (d *Document) OffsetOf(line, col int) int {
	if line > len(d.starts) {
		return len(d.text)
	}
	from, to := d.LineSpan(line - 1)
	for i := range d.text[from:to] {
		if col--; col < 1 {
			return from + i
		}
	}
	return to
}

// PlaceOf is the inverse of OffsetOf.
func (d *Document) PlaceOf(offset int) (line, col int) {
	line = d.LineAt(offset)
	from, _ := d.LineSpan(line)
	return line + 1, utf8.RuneCountInString(d.text[from:max(from, offset)]) + 1
}

func width(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// Apply returns the text after edits, which do not overlap and are in any order.
func Apply(s string, edits []Edit) string {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int { return a.From - b.From })
	var out strings.Builder
	at := 0
	for _, e := range sorted {
		from, to := min(max(e.From, at), len(s)), min(max(e.To, at), len(s))
		out.WriteString(s[at:from])
		out.WriteString(e.New)
		at = max(from, to)
	}
	out.WriteString(s[at:])
	return out.String()
}
