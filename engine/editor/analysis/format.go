package analysis

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/text"
)

// Format returns the edits that indent each block by two spaces, lists below their key included, and
// remove white space at the ends of lines and blank lines at the end of the file. Comments, the order
// of lines and what YAML reads stay: a file that YAML cannot read, or would read otherwise, keeps its
// indentation.
func (w *Workspace) Format(path string) []text.Edit {
	d := w.Document(path)
	ends := tidy(d)
	edits := append(slices.Clone(ends), indent(d)...)
	if len(edits) > len(ends) && !sameFile(d.Text(), text.Apply(d.Text(), edits)) {
		return ends
	}
	return edits
}

// tidy returns the edits that remove white space at the ends of lines and of the file. Blocks of text
// stay.
func tidy(d *text.Document) []text.Edit {
	var out []text.Edit
	block := -1 // the column of the key of a block of text
	for n := range d.Lines() {
		line := d.Line(n)
		trimmed := strings.TrimRight(line, " \t")
		if block >= 0 && (trimmed == "" || indentation(line) > block) {
			continue
		}
		block = -1
		if all, value := tokens(line); len(all) > 0 && blockHeader.MatchString(line[value:]) {
			block = all[len(all)-1].col
		}
		if from, to := d.LineSpan(n); trimmed != line {
			out = append(out, text.Edit{From: from + len(trimmed), To: to})
		}
	}
	s := d.Text()
	if end := len(strings.TrimRight(s, " \t\r\n")); end > 0 && block < 0 && s[end:] != d.EOL() {
		out = slices.DeleteFunc(out, func(e text.Edit) bool { return e.To > end })
		out = append(out, text.Edit{From: end, To: len(s), New: d.EOL()})
	}
	return out
}

// step is the indentation of a block.
const step = 2

// indented is a dash or key with its columns before and after.
type indented struct {
	token
	new int
}

// reindent moves the lines of a text.
type reindent struct {
	d     *text.Document
	stack []indented
	// By line, how far its beginning and its last key move to the right.
	first, moved map[int]int
	edits        []text.Edit
}

// indent returns the edits that indent each block by two spaces.
func indent(d *text.Document) []text.Edit {
	r := reindent{d: d, first: map[int]int{}, moved: map[int]int{}}
	var comments []int
	s := scanner{d: d, offset: -1, begins: func(line int, own []token, value int) {
		if own == nil && strings.HasPrefix(strings.TrimSpace(d.Line(line)), "#") {
			comments = append(comments, line)
			return
		}
		r.line(line, own, value)
	}}
	s.run()
	for _, n := range comments {
		r.comment(n)
	}
	r.rest()
	return r.edits
}

// line moves a line that begins with dashes, a key or a value.
func (r *reindent) line(n int, own []token, value int) {
	line := r.d.Line(n)
	if hasKey := len(own) > 0 && own[len(own)-1].name != item; !hasKey && value < len(line) {
		own = append(slices.Clone(own), token{col: value, end: value})
	}
	start, _ := r.d.LineSpan(n)
	for i, t := range own {
		for len(r.stack) > 0 {
			top := r.stack[len(r.stack)-1]
			if top.col < t.col || top.col == t.col && t.name == item && top.name != item {
				break
			}
			r.stack = r.stack[:len(r.stack)-1]
		}
		column := 0
		if len(r.stack) > 0 {
			column = r.stack[len(r.stack)-1].new + step
		}
		from := start
		if i > 0 {
			from = start + own[i-1].end
		}
		white := " "
		if i == 0 {
			r.first[n] = column - t.col
			white = strings.Repeat(" ", column)
		}
		if had := r.d.Text()[from : start+t.col]; had != white {
			r.edits = append(r.edits, text.Edit{From: from, To: start + t.col, New: white})
		}
		r.moved[n] = column - t.col
		r.stack = append(r.stack, indented{t, column})
	}
	if len(own) > 0 && own[len(own)-1].name == "" {
		r.stack = r.stack[:len(r.stack)-1] // a value has nothing below it
	}
}

// comment moves a comment with the next line of its column, or else with the line before it.
func (r *reindent) comment(n int) {
	own := indentation(r.d.Line(n))
	for next := n + 1; next < r.d.Lines(); next++ {
		_, known := r.moved[next]
		if line := r.d.Line(next); known && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			if indentation(line) == own {
				r.move(n, r.first[next])
				return
			}
			break
		}
	}
	for before := n - 1; before >= 0; before-- {
		if _, known := r.moved[before]; known {
			r.move(n, r.first[before])
			return
		}
	}
}

func (r *reindent) move(n, by int) {
	own := indentation(r.d.Line(n))
	r.first[n], r.moved[n] = by, by
	if by = max(by, -own); by != 0 {
		start, _ := r.d.LineSpan(n)
		r.edits = append(r.edits, text.Edit{From: start, To: start + own, New: strings.Repeat(" ", own+by)})
	}
}

// rest moves the lines that go on with a value as far as the key of the value.
func (r *reindent) rest() {
	by := 0
	for n := range r.d.Lines() {
		moved, known := r.moved[n]
		switch {
		case known:
			by = moved
		case strings.TrimSpace(r.d.Line(n)) != "":
			r.move(n, by)
			delete(r.moved, n)
		}
	}
}

// sameFile reports whether two texts have the same characters, but for white space, and YAML reads the
// same in them.
func sameFile(a, b string) bool {
	if strings.Join(strings.Fields(a), "") != strings.Join(strings.Fields(b), "") {
		return false
	}
	before, problems := config.Parse("", []byte(a))
	after, more := config.Parse("", []byte(b))
	return len(problems) == 0 && len(more) == 0 && before.Root().Same(after.Root())
}
