package markdown

import (
	"errors"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// Limits of Plain, in bytes.
const (
	MaxSource = 1 << 20 // of Markdown
	MaxText   = 8 << 20 // of plain text, which repeated links can make longer than its source
)

// The errors of Plain.
var (
	ErrSource = errors.New("more than 1 MiB of Markdown")
	ErrText   = errors.New("more than 8 MiB of text")
)

// Converter converts Markdown to plain text. It may be used from several goroutines.
type Converter struct{ parser parser.Parser }

// New returns a Converter.
func New() *Converter {
	return &Converter{goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough)).Parser()}
}

// isMarked reports whether source may contain Markdown or HTML. Most titles and many
// descriptions contain neither and need no parser.
func isMarked(source string) bool {
	if strings.ContainsAny(source, "*`<\\|~\r\t") {
		return true
	}
	if i := strings.IndexByte(source, ']'); i >= 0 && (strings.Contains(source[i:], "](") ||
		strings.Contains(source[i:], "]:")) {
		return true
	}
	if strings.IndexByte(source, '_') >= 0 && closesEmphasis(source) ||
		strings.IndexByte(source, '&') >= 0 && entity.MatchString(source) {
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
		case len(line)-len(words) > 1 || strings.HasSuffix(line, "  "), strings.IndexByte("-+=#>_", words[0]) >= 0,
			digits != words && digits != "" && (digits[0] == '.' || digits[0] == ')'):
			return true
		}
	}
	return false
}

// closesEmphasis reports whether an _ may end emphasis. An _ before an ASCII letter or digit,
// as in a name, does not.
func closesEmphasis(source string) bool {
	for i := range len(source) {
		if source[i] == '_' && (i == len(source)-1 || !isWord(source[i+1])) {
			return true
		}
	}
	return false
}

func isWord(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// Plain returns the text of a Markdown document: blocks separated by an empty line, lines as
// they were broken, `- ` or numbers before items, links as `text (url)`, code unchanged. HTML
// tags separate lines, cells and items in the same way or are dropped; comments, scripts and
// styles are left out. The only errors are ErrSource and ErrText. Plain parses one piece at a
// time, which bounds the memory of the syntax tree.
func (c *Converter) Plain(source string) (string, error) {
	if len(source) > MaxSource {
		return "", ErrSource
	}
	if !isMarked(source) {
		return strings.TrimSpace(source), nil
	}
	pieces := piecesOf(source)
	shared := parser.NewContext()
	for _, p := range pieces { // links may refer to any piece
		if len(pieces) > 1 && strings.Contains(p.text, "]:") {
			c.parse(p.text, shared)
		}
	}
	w := &writer{whole: source, lastEnds: map[string]int{}}
	for _, p := range pieces {
		w.source, w.offset = []byte(p.text), p.start
		w.blocks(c.parse(p.text, shared), "\n\n")
		w.separate(p.after)
	}
	if w.size > MaxText {
		return "", ErrText
	}
	return strings.TrimSpace(string(w.out)), nil
}

func (c *Converter) parse(source string, shared parser.Context) ast.Node {
	context := pieceContext{Context: parser.NewContext(), shared: shared}
	return c.parser.Parse(text.NewReader([]byte(source)), parser.WithContext(context))
}

// pieceContext is the context of one piece, with the link references of all pieces.
type pieceContext struct {
	parser.Context
	shared parser.Context
}

func (c pieceContext) AddReference(r parser.Reference) { c.shared.AddReference(r) }
func (c pieceContext) References() []parser.Reference  { return c.shared.References() }
func (c pieceContext) Reference(label string) (parser.Reference, bool) {
	return c.shared.Reference(label)
}
