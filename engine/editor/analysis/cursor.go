package analysis

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/suite"
)

// cursor is what is at a place of a file. It is found without a parse, so it is found in half-written
// YAML, too.
type cursor struct {
	d      *text.Document
	offset int
	// path are the keys that lead to the place, item for an item of a list. With onKey, its last
	// is the key at the place, which may be half written.
	path  []string
	onKey bool
	bare  bool // a word alone on its line, which may become a key
	// from and to are the value without the quotation marks of YAML, or the key with onKey. A
	// block has its lines with their indentation.
	from, to int
	style    byte
}

const item = "[]"

// at returns what is at a byte of a text.
func at(d *text.Document, offset int) cursor {
	s := scanner{d: d, offset: offset}
	s.run()
	c := cursor{from: offset, to: offset}
	if s.found != nil {
		c = *s.found
	}
	c.d, c.offset = d, offset
	return c
}

// at returns what is at a byte of a file. A word where no key can be is a value.
func (w *Workspace) at(path string, offset int) cursor {
	c := at(w.Document(path), offset)
	if !c.bare {
		return c
	}
	above := c.path
	if c.to > c.from {
		above = above[:len(above)-1]
	}
	if f, ok := field(w.root(path), above); ok && len(f.Fields) == 0 && !strings.Contains(f.Type, "map") {
		c.path, c.onKey = above, false
	}
	return c
}

// siblings returns the other keys of the mapping that a key of a block is in.
func (c cursor) siblings() map[string]bool {
	n := c.d.LineAt(c.from)
	start, _ := c.d.LineSpan(n)
	column := c.from - start
	out := map[string]bool{}
	own, value := tokens(c.d.Line(n))
	if value != column && !slices.ContainsFunc(own, func(t token) bool { return t.col == column }) &&
		strings.TrimSpace(c.d.Line(n)) != "" {
		return out // in a flow mapping
	}
	// collect adds the keys of a line and reports whether the mapping goes on in this direction.
	collect := func(i int, up bool) bool {
		line := c.d.Line(i)
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			return true
		}
		all, _ := tokens(line)
		ends := indentation(line) < column // the first line of the item, or another mapping
		for _, t := range all {
			if t.col == column && t.name != item && (up || !ends) {
				out[t.name] = true
			}
		}
		return !ends
	}
	if len(own) == 0 || own[0].name != item { // else it is the first key of the item
		for i := n - 1; i >= 0 && collect(i, true); i-- {
		}
	}
	for i := n + 1; i < c.d.Lines() && collect(i, false); i++ {
	}
	return out
}

// decoded returns the text of the value.
func (c cursor) decoded() decoded { return decode(c.d.Text(), c.from, max(c.from, c.to), c.style) }

// value returns the text of the value.
func (c cursor) value() string { return c.decoded().text }

// root returns the description of a file.
func (w *Workspace) root(path string) config.Field {
	if !suite.IsTestFile(path) {
		return pipeline.Describe(w.Registry)
	}
	f := suite.Describe(w.Registry)
	for i := range f.Fields {
		switch f.Fields[i].Name {
		case "records":
			f.Fields[i].Fields = recordKeys
		case "tests":
			for k := range f.Fields[i].Fields {
				if f.Fields[i].Fields[k].Name == "records" {
					f.Fields[i].Fields[k].Fields = recordKeys
				}
			}
		}
	}
	return f
}

// recordKeys are those of a record of tests. The schema has none: a record may have any.
var recordKeys = []config.Field{
	{Name: "fixture", Type: "text", Doc: "The record of this name under `fixtures`."},
	{Name: "with", Type: "mapping", Doc: "The fields of the fixture that differ in this test."},
	{Name: "file", Type: "text", Doc: "A file of records, from the folder of the test file."},
	{Name: "kind", Type: "text", Doc: "The kind of a record that is written out."},
	{Name: "metadata", Type: "mapping"},
	{Name: "spec", Type: "mapping"},
}

// field returns the description of what a path leads to.
func field(root config.Field, path []string) (config.Field, bool) {
	f := root
	for _, step := range path {
		switch inner, ok := f.Field(step); {
		case step == item:
			f.Type = strings.TrimPrefix(f.Type, "list of ")
		case ok:
			f = inner
		case strings.HasPrefix(f.Type, "map of "):
			f = config.Field{Name: step, Type: strings.TrimPrefix(f.Type, "map of "), Fields: f.Fields, Doc: f.Doc}
		default:
			return config.Field{}, false
		}
	}
	return f, true
}

// expression reports whether the place is in an expression.
func (w *Workspace) expression(path string, c cursor) bool {
	f, ok := field(w.root(path), c.path)
	return ok && !c.onKey && strings.HasPrefix(f.Type, "expression") && c.path[len(c.path)-1] != item
}

var word = regexp.MustCompile(`[A-Za-z_]\w*`)

// names returns the places of the names in an expression that are no members, texts or calls,
// with how each goes on: owner in owner, vars in vars.x.
func names(s string) (out [][2]int) {
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			m := word.FindStringIndex(s[i:])
			if i == 0 || s[i-1] != '.' && s[i-1] != '#' {
				out = append(out, [2]int{i, i + m[1]})
			}
			i += m[1] - 1
		case c >= '0' && c <= '9':
			for i+1 < len(s) && (s[i+1] == '_' || s[i+1] >= '0' && s[i+1] <= '9' || s[i+1] >= 'a' && s[i+1] <= 'z') {
				i++
			}
		}
	}
	return out
}

// pathAt returns the dotted path of names whose member is at a byte of an expression, up to that
// member, such as metadata.name.
func pathAt(s string, offset int) (from, to int) {
	isWord := func(i int) bool { return i >= 0 && i < len(s) && regexp.MustCompile(`\w`).MatchString(s[i:i+1]) }
	from, to = offset, offset
	for isWord(to) {
		to++
	}
	for isWord(from-1) || from > 0 && s[from-1] == '.' && isWord(from-2) {
		from--
	}
	return from, to
}
