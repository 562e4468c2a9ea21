package expression

import (
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// markdown makes plain text of Markdown; it may be used by many goroutines.
type markdown struct{ parser parser.Parser }

func newMarkdown() *markdown {
	return &markdown{goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough)).Parser()}
}

// isMarked tells what may be Markdown or HTML: most titles and many descriptions
// have none of it and need no parser.
func isMarked(source string) bool {
	if strings.ContainsAny(source, "*_`[]<>#&\\|~\r\t") {
		return true
	}
	for line := range strings.Lines(source) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.TrimLeft(line, " ")
		if words == "" {
			continue
		}
		digits := strings.TrimLeft(words, "0123456789")
		switch {
		case len(line)-len(words) > 1 || strings.HasSuffix(line, "  "), strings.IndexByte("-+=", words[0]) >= 0,
			digits != words && digits != "" && (digits[0] == '.' || digits[0] == ')'):
			return true
		}
	}
	return false
}

// plain is the text of a Markdown document: blocks with an empty line between,
// lines as they were broken, `- ` and numbers before items, links as
// `text (url)`, code as it is, no HTML. The only error is too much text.
func (m *markdown) plain(source string) (string, error) {
	if !isMarked(source) {
		return strings.TrimSpace(source), nil
	}
	pieces := piecesOf(source)
	documents := make([]ast.Node, len(pieces))
	references := parser.NewContext()
	for i := len(pieces) - 1; i >= 0; i-- { // what links refer to stands at the end
		context := parser.NewContext()
		for _, r := range references.References() {
			context.AddReference(r)
		}
		documents[i] = m.parser.Parse(text.NewReader([]byte(pieces[i].text)), parser.WithContext(context))
		references = context
	}
	w := &plainWriter{}
	for i, document := range documents {
		w.source = []byte(pieces[i].text)
		w.blocks(document, "\n\n")
		w.write(pieces[i].after)
	}
	if err := fits(w.size); err != nil {
		return "", err
	}
	return strings.TrimSpace(w.out.String()), nil
}

// plainWriter writes one document.
type plainWriter struct {
	source []byte
	out    strings.Builder
	size   int    // of all that was to be written; the rest beyond the limit is not
	indent string // what goes before the lines of nested blocks
}

// blocks writes the children of a block with a separator between.
func (w *plainWriter) blocks(parent ast.Node, separator string) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if n != parent.FirstChild() {
			w.write(separator)
		}
		w.block(n)
	}
}

func (w *plainWriter) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.List:
		w.list(n)
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		w.write(strings.TrimRight(w.lines(n), "\n"))
	case *ast.HTMLBlock:
		w.write(strings.TrimSpace(withoutTags(w.lines(n))))
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

func (w *plainWriter) list(n *ast.List) {
	outer, number := w.indent, n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		if item != n.FirstChild() {
			w.write("\n")
		}
		mark := "- "
		if n.IsOrdered() {
			mark = strconv.Itoa(number) + ". "
			number++
		}
		w.write(mark)
		w.indent = outer + "  "
		w.blocks(item, "\n")
		w.indent = outer
	}
}

func (w *plainWriter) inlines(parent ast.Node) {
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
			for i := range n.Segments.Len() {
				segment := n.Segments.At(i)
				w.write(keptTag(string(segment.Value(w.source))))
			}
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

func (w *plainWriter) link(n ast.Node, url string) {
	start := w.out.Len()
	w.inlines(n)
	title := strings.TrimSpace(w.out.String()[start:])
	switch {
	case title == "":
		w.write(url)
	case url != "" && title != url && !strings.HasPrefix(url, "#"):
		w.write(" (" + url + ")")
	}
}

func (w *plainWriter) code(n ast.Node) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if t, ok := child.(*ast.Text); ok {
			w.write(strings.ReplaceAll(string(t.Segment.Value(w.source)), "\n", " "))
		}
	}
}

// lines is the text of a block that is not parsed further.
func (w *plainWriter) lines(n ast.Node) string {
	return string(n.Lines().Value(w.source))
}

func (w *plainWriter) write(s string) {
	if w.indent != "" && strings.Contains(s, "\n") {
		s = strings.ReplaceAll(s, "\n", "\n"+w.indent)
	}
	if w.size += len(s); w.size <= maxText {
		w.out.WriteString(s)
	}
}

// unescape resolves `\*` and `&amp;` in text that Markdown leaves as it was.
func unescape(source []byte) string {
	s := string(source)
	if strings.IndexByte(s, '\\') >= 0 {
		s = escaped.ReplaceAllString(s, "$1")
	}
	return html.UnescapeString(s)
}

var (
	escaped  = regexp.MustCompile("\\\\([!-/:-@\\[-`{-~])")
	hidden   = regexp.MustCompile(`(?is)<!--.*?(?:-->|$)|<(script|style)\b.*?(?:</(?:script|style)\s*>|$)`)
	htmlTags = regexp.MustCompile(`(?s)</?[A-Za-z!?][^<>]*>`)
)

// withoutTags is the text of HTML.
func withoutTags(s string) string {
	return html.UnescapeString(htmlTags.ReplaceAllStringFunc(hidden.ReplaceAllString(s, ""), keptTag))
}

var (
	placeholder = regexp.MustCompile(`^<([A-Za-z][^<>=/"']*)>$`)
	elements    = strings.Fields(`a abbr address area article aside audio b base bdi bdo big blockquote body br button canvas caption center
		cite code col colgroup dd del details dfn dialog div dl dt em embed fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6
		head header hr html i iframe img input ins kbd label legend li link main map mark menu meta nav noscript object ol optgroup option
		output p param picture pre progress q rp rt ruby s samp script section select slot small source span strike strong style sub
		summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr`)
)

// keptTag is what stays of a tag: nothing of an HTML element, and everything of
// what only looks like one, such as <your-name> or Map<String, Text>.
func keptTag(tag string) string {
	m := placeholder.FindStringSubmatch(tag)
	if m == nil || slices.Contains(elements, strings.ToLower(m[1])) {
		return ""
	}
	return tag
}
