package techdocs

import (
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// skipped are elements that are no text of a page.
var skipped = []string{"script", "style", "nav", "header", "footer", "aside", "svg", "button", "form", "template",
	"noscript", "head", "iframe"}

// blocks are elements with lines of their own.
var blocks = []string{"p", "div", "section", "article", "ul", "ol", "table", "blockquote", "pre", "h1", "h2", "h3",
	"h4", "h5",
	"h6", "dl", "dt", "dd", "figure", "hr", "main", "details", "summary", "tr", "li", "br"}

// Text returns the text of a piece of HTML.
func Text(source string, limit int) string {
	root, err := html.Parse(strings.NewReader(cut(source, maxHTML)))
	if err != nil { // only a reader fails
		return ""
	}
	w := &writer{limit: limit}
	w.node(root)
	return w.text()
}

// ReadHTML reads a page of HTML: its main part without navigation. path is that of its file.
func ReadHTML(r io.Reader, path string, limits Limits) (Page, error) {
	root, err := html.Parse(io.LimitReader(r, maxHTML))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err != nil {
		return Page{}, err
	}
	p := Page{Path: strings.TrimSuffix(path, "index.html")}
	w := &writer{limit: limits.Text, page: &p}
	w.node(content(root))
	p.Text = w.text()
	if title := first(root, func(n *html.Node) bool { return n.Data == "title" }); title != nil {
		t := &writer{limit: maxTitle}
		t.children(title)
		p.Title, _, _ = strings.Cut(t.text(), " - ") // MkDocs adds the name of the site
	}
	if len(p.Sections) > 0 && p.Title == "" {
		p.Title = p.Sections[0].Title
	}
	return p, nil
}

const (
	maxTitle = 1 << 10
	// maxHTML is how much of the HTML of a page, or of an entry of a search index, is read: its tree
	// takes up to 40 times as much memory.
	maxHTML = 2 << 20
)

// title returns a title within its limit, which keeps no longer text in memory.
func title(s string) string {
	if len(s) <= maxTitle {
		return s
	}
	return strings.Clone(cut(s, maxTitle))
}

// content returns the main part of a page.
func content(root *html.Node) *html.Node {
	for _, is := range []func(*html.Node) bool{
		func(n *html.Node) bool { return n.Data == "article" },
		func(n *html.Node) bool { return attribute(n, "role") == "main" },
		func(n *html.Node) bool { return n.Data == "main" },
		func(n *html.Node) bool { return n.Data == "body" },
	} {
		if n := first(root, is); n != nil {
			return n
		}
	}
	return root
}

// first returns the first element that is wanted, in the order of the document; nil for none.
func first(root *html.Node, is func(*html.Node) bool) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && is(n) {
			return n
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// writer writes the text of nodes.
type writer struct {
	b     strings.Builder
	limit int
	page  *Page // takes the headings; may be nil
	pre   int   // depth of <pre>
	depth int
	gap   int // line breaks before the next text
}

// maxDepth bounds nested elements.
const maxDepth = 500

func (w *writer) text() string { return strings.TrimSpace(w.b.String()) }

func (w *writer) children(n *html.Node) {
	for c := range n.ChildNodes() {
		w.node(c)
	}
}

func (w *writer) node(n *html.Node) {
	if w.b.Len() >= w.limit || w.depth > maxDepth {
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	switch {
	case n.Type == html.TextNode:
		w.write(n.Data)
	case n.Type != html.ElementNode:
		w.children(n)
	case slices.Contains(skipped, n.Data) || strings.Contains(" "+attribute(n, "class")+" ", " headerlink "):
	case slices.Contains(blocks, n.Data):
		w.block(n)
	default:
		if n.Data == "td" || n.Data == "th" {
			w.space()
		}
		w.children(n)
	}
}

func (w *writer) block(n *html.Node) {
	lines := 2
	switch n.Data {
	case "li", "tr", "br", "dt", "dd":
		lines = 1
	}
	w.gap = max(w.gap, lines)
	switch n.Data {
	case "li":
		w.write("- ")
		w.gap = 0
	case "pre":
		w.pre++
		defer func() { w.pre-- }()
	}
	begin := w.b.Len()
	w.children(n)
	if w.page != nil && len(n.Data) == 2 && n.Data[0] == 'h' && n.Data != "hr" && len(w.page.Sections) < maxSections {
		if text := strings.TrimSpace(w.b.String()[begin:]); text != "" {
			w.page.Sections = append(w.page.Sections, Section{title(text), attribute(n, "id")})
		}
	}
	w.gap = max(w.gap, lines)
}

// write writes text. Outside of code, white space becomes one space.
func (w *writer) write(s string) {
	if w.pre == 0 {
		fields := strings.Join(strings.Fields(s), " ")
		if fields == "" {
			if s != "" {
				w.space()
			}
			return
		}
		if strings.TrimLeft(s, " \t\r\n") != s {
			w.space()
		}
		if strings.TrimRight(s, " \t\r\n") != s {
			fields += " "
		}
		s = fields
	}
	if w.gap > 0 && w.b.Len() > 0 {
		w.b.WriteString(strings.Repeat("\n", w.gap))
	}
	w.gap = 0
	w.b.WriteString(cut(s, w.limit-w.b.Len()))
}

func (w *writer) space() {
	if text := w.b.String(); w.gap == 0 && text != "" && !strings.HasSuffix(text, " ") && !strings.HasSuffix(text,
		"\n") {
		w.b.WriteByte(' ')
	}
}
