package markdown

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	tables "github.com/yuin/goldmark/extension/ast"
)

// writer writes one document.
type writer struct {
	whole  string // the document
	source []byte // the current piece, which begins at offset
	offset int

	out    []byte
	size   int    // size of all text, including what is beyond the limit and not written
	indent string // prefix of lines in nested blocks
	at     position
	gap    gap
	linked int // start of the text of the current link

	hidden   *regexp.Regexp // the end of what is left out; nil when nothing is
	lastEnds map[string]int // offset of the last end of each kind; -1 for none
}

// position is what the output ends with.
type position uint8

const (
	lineStart position = iota // nothing, a line break or the mark of a cell
	afterMark                 // the mark of a list item
	inText
)

// gap is the separation before the next text, from the tags since the last one.
type gap struct {
	lines int // line breaks
	cell  bool
	item  bool
}

// newline makes the next text begin on a new line, after an empty line when lines is 2.
func (w *writer) newline(lines int) {
	if w.at == inText {
		w.gap.lines = max(w.gap.lines, lines)
	}
}

// separate separates two blocks by line breaks, or two cells by " | ".
func (w *writer) separate(s string) {
	switch lines := strings.Count(s, "\n"); {
	case s == "":
		return
	case lines == 0:
		w.gap = gap{}
		w.add(s)
		w.at = lineStart
	default:
		w.gap.lines = lines
		w.fill()
	}
}

// fill writes the gap.
func (w *writer) fill() {
	g := w.gap
	if g == (gap{}) {
		return
	}
	w.gap = gap{}
	if w.at == inText {
		w.out = w.out[:w.linked+len(bytes.TrimRight(w.out[w.linked:], " \t\r\n"))]
	}
	switch {
	case g.lines > 0 && w.at != lineStart:
		w.add(strings.Repeat("\n", g.lines))
		w.at = lineStart
	case g.cell && g.lines == 0:
		w.add(" | ")
		w.at = lineStart
	}
	if g.item {
		w.mark("- ")
	}
}

// mark begins a list item.
func (w *writer) mark(s string) {
	w.fill()
	w.add(s)
	w.at = afterMark
}

// write adds text after the gap.
func (w *writer) write(s string) {
	if w.hidden != nil {
		s = w.shown(s)
	}
	if w.gap != (gap{}) {
		s = strings.TrimLeft(s, " \t\r\n")
	}
	if s == "" {
		return
	}
	w.fill()
	w.add(s)
	if w.at == inText || strings.TrimSpace(s) != "" {
		w.at = inText
	}
}

func (w *writer) add(s string) {
	if w.indent != "" && strings.Contains(s, "\n") {
		s = strings.ReplaceAll(s, "\n", "\n"+w.indent)
	}
	if w.size += len(s); w.size <= MaxText {
		w.out = append(w.out, s...)
	}
}

// blocks writes the children of a block with a separator between them.
func (w *writer) blocks(parent ast.Node, separator string) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if n != parent.FirstChild() {
			w.separate(separator)
		}
		w.block(n)
	}
}

func (w *writer) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.List:
		w.list(n)
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		w.write(strings.TrimRight(w.lines(n), "\n"))
	case *ast.HTMLBlock:
		w.htmlBlock(n)
	case *ast.ThematicBreak, *ast.LinkReferenceDefinition:
	case *tables.Table:
		w.blocks(n, "\n")
	case *tables.TableHeader, *tables.TableRow:
		w.blocks(n, " | ")
	default:
		if first := n.FirstChild(); first != nil && first.Type() == ast.TypeInline {
			w.inlines(n)
		} else {
			w.blocks(n, "\n\n")
		}
	}
}

func (w *writer) list(n *ast.List) {
	outer, number := w.indent, n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		if item != n.FirstChild() {
			w.separate("\n")
		}
		mark := "- "
		if n.IsOrdered() {
			mark = strconv.Itoa(number) + ". "
			number++
		}
		w.mark(mark)
		w.indent = outer + "  "
		w.blocks(item, "\n")
		w.indent = outer
	}
}

func (w *writer) inlines(parent ast.Node) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			w.write(unescape(n.Segment.Value(w.source)))
			if n.SoftLineBreak() || n.HardLineBreak() {
				w.write("\n")
			}
		case *ast.String:
			w.write(unescape(n.Value))
		case *ast.CodeSpan:
			w.code(n)
		case *ast.RawHTML:
			w.tag(string(n.Segments.Value(w.source)), w.offset+n.Segments.At(0).Start)
		case *ast.AutoLink:
			w.write(string(n.Label(w.source)))
		case *ast.Link:
			w.link(n, string(n.Destination))
		case *ast.Image:
			w.inlines(n)
		default:
			w.inlines(n)
		}
	}
}

func (w *writer) link(n ast.Node, url string) {
	w.fill()
	start := len(w.out)
	w.linked = start
	w.inlines(n)
	w.linked = 0
	title := strings.TrimSpace(string(w.out[start:]))
	switch {
	case title == "":
		w.write(url)
	case url != "" && title != url && !strings.HasPrefix(url, "#"):
		w.write(" (" + url + ")")
	}
}

func (w *writer) code(n ast.Node) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if t, ok := child.(*ast.Text); ok {
			w.write(strings.ReplaceAll(string(t.Segment.Value(w.source)), "\n", " "))
		}
	}
}

// lines returns the text of a block that is not parsed further.
func (w *writer) lines(n ast.Node) string {
	return string(n.Lines().Value(w.source))
}

// htmlBlock writes an HTML block.
func (w *writer) htmlBlock(n *ast.HTMLBlock) {
	start := n.ClosureLine.Start
	if n.Lines().Len() > 0 {
		start = n.Lines().At(0).Start
	}
	text := w.lines(n)
	if n.HasClosure() {
		text += string(n.ClosureLine.Value(w.source))
	}
	w.html(strings.TrimSpace(text), w.offset+start)
}

// unescape replaces `\*` and `&amp;` in text that the parser leaves unchanged.
func unescape(source []byte) string {
	s := string(source)
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	return escaped.ReplaceAllStringFunc(s, func(one string) string {
		if one[0] == '\\' {
			return one[1:]
		}
		return decodedOne(one)
	})
}

var escaped = regexp.MustCompile("\\\\[!-/:-@\\[-`{-~]|" + entity.String())
