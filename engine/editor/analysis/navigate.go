package analysis

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/suite"
)

// Place is a part of a file.
type Place struct {
	Path     string
	From, To int
}

// root of the tree of a file's text; it has what could be read.
func (w *Workspace) tree(path string) *config.Node {
	doc, _ := config.Parse(path, []byte(w.Document(path).Text()))
	return doc.Root()
}

func keyPlace(path string, d *text.Document, e config.Entry) Place {
	from := d.OffsetOf(e.KeyPos.Line, e.KeyPos.Col)
	return Place{path, from, from + len(e.Key)}
}

func nodePlace(path string, d *text.Document, n *config.Node) Place {
	return Place{path, d.OffsetOf(n.Pos().Line, n.Pos().Col), d.OffsetOf(n.Pos().Line, n.Pos().Col+n.Width())}
}

// symbolAt returns the define (owner) or var (vars.name) that is at a byte, "" for none.
func (w *Workspace) symbolAt(path string, offset int) string {
	if suite.IsTestFile(path) {
		return ""
	}
	c := w.at(path, offset)
	if c.onKey && len(c.path) == 2 && c.to > c.from {
		switch c.path[0] {
		case "define":
			return c.path[1]
		case "vars":
			return "vars." + c.path[1]
		}
	}
	if !w.expression(path, c) {
		return ""
	}
	root := w.tree(path)
	value := c.decoded()
	s := value.text
	for _, n := range names(s) {
		from, to := value.at[n[0]], value.at[n[1]]
		name := s[n[0]:n[1]]
		if name == "vars" {
			_, end := pathAt(s, min(n[1]+1, len(s)))
			to, name = value.at[end], s[n[0]:end]
			if root.Get("vars").Get(strings.TrimPrefix(name, "vars.")) == nil {
				continue
			}
		} else if root.Get("define").Get(name) == nil {
			continue
		}
		if offset >= from && offset <= to {
			return name
		}
	}
	return ""
}

// Definition returns where what is at a byte is defined.
func (w *Workspace) Definition(path string, offset int) []Place {
	if suite.IsTestFile(path) {
		return w.definitionOfTest(path, offset)
	}
	name := w.symbolAt(path, offset)
	if name == "" {
		return nil
	}
	return w.declared(path, name)
}

func (w *Workspace) declared(path, name string) []Place {
	block, key := "define", name
	if after, ok := strings.CutPrefix(name, "vars."); ok {
		block, key = "vars", after
	}
	for _, e := range w.tree(path).Get(block).Entries() {
		if e.Key == key {
			return []Place{keyPlace(path, w.Document(path), e)}
		}
	}
	return nil
}

// definitionOfTest finds the fixture or the permission rule that a test names.
func (w *Workspace) definitionOfTest(path string, offset int) []Place {
	d := w.Document(path)
	c := w.at(path, offset)
	if c.onKey || len(c.path) == 0 {
		return nil
	}
	switch c.path[len(c.path)-1] {
	case "fixture":
		for _, e := range w.tree(path).Get("fixtures").Entries() {
			if e.Key == c.value() {
				return []Place{keyPlace(path, d, e)}
			}
		}
	case "rule":
		file := w.pipelineOf(path)
		for _, rule := range w.tree(file).Get("permissions").Get("rules").Items() {
			if n := rule.Get("name"); n.Text() == c.value() {
				return []Place{nodePlace(file, w.Document(file), n)}
			}
		}
	}
	return nil
}

// References returns where a define or var at a byte is read, and where it is defined.
func (w *Workspace) References(path string, offset int) []Place {
	name := w.symbolAt(path, offset)
	if name == "" {
		return nil
	}
	out := w.declared(path, name)
	local, member := strings.CutPrefix(name, "vars.")
	w.expressions(path, func(c cursor) {
		value := c.decoded()
		s := value.text
		for _, n := range names(s) {
			if !member && s[n[0]:n[1]] == name && !strings.HasPrefix(strings.TrimLeft(s[n[1]:], " "), "(") {
				out = append(out, Place{path, value.at[n[0]], value.at[n[1]]})
			}
			if from := n[1] + 1; member && s[n[0]:n[1]] == "vars" && strings.HasPrefix(s[n[1]:], "."+local) {
				if _, to := pathAt(s, from); s[from:to] == local {
					out = append(out, Place{path, value.at[from], value.at[to]})
				}
			}
		}
	})
	return out
}

// expressions calls see for each expression of a file.
func (w *Workspace) expressions(path string, see func(cursor)) {
	d := w.Document(path)
	root := w.root(path)
	at := map[int]scalar{}
	all := scanner{d: d, offset: -1, see: func(v scalar) { at[v.start] = v }}
	all.run()
	var walk func(n *config.Node, keys []string)
	walk = func(n *config.Node, keys []string) {
		switch n.Kind() {
		case config.Mapping:
			for _, e := range n.Entries() {
				walk(e.Value, append(slices.Clone(keys), e.Key))
			}
		case config.List:
			for _, one := range n.Items() {
				walk(one, append(slices.Clone(keys), item))
			}
		case config.Scalar:
			f, ok := field(root, keys)
			if !ok || !strings.HasPrefix(f.Type, "expression") || n.IsNull() || keys[len(keys)-1] == item {
				return
			}
			offset := d.OffsetOf(n.Pos().Line, n.Pos().Col)
			v, ok := at[offset]
			if !ok || v.path == nil {
				return
			}
			delete(at, offset) // an alias leads to it again
			see(cursor{d: d, offset: offset, path: keys, from: v.from, to: v.to, style: v.style})
		}
	}
	walk(w.tree(path), nil)
}

var aName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// Rename returns the edits that give a define or var at a byte another name. The result has no
// more problems than before.
func (w *Workspace) Rename(path string, offset int, name string) ([]text.Edit, error) {
	old := w.symbolAt(path, offset)
	switch {
	case old == "":
		return nil, errors.New("only names under define and vars can be renamed")
	case !aName.MatchString(name):
		return nil, errors.New("a name has letters, digits and _")
	}
	var edits []text.Edit
	for _, p := range w.References(path, offset) {
		edits = append(edits, text.Edit{From: p.From, To: p.To, New: name})
	}
	l := w.load(path)
	after := w.check(path, []byte(text.Apply(l.d.Text(), edits))).problems
	if len(after.Errors()) > len(l.problems.Errors()) {
		return nil, errors.New("the name " + name + " is taken or would change an expression: " + after.Errors()[0].Message)
	}
	return edits, nil
}

// Symbol is a part of a file's outline.
type Symbol struct {
	Name, Detail string
	Place        Place
	Children     []Symbol
}

// Outline returns the parts of a file: blocks, and below them names, mappings, rules and tests.
func (w *Workspace) Outline(path string) []Symbol {
	return outline(path, w.Document(path), w.tree(path), 3)
}

func outline(path string, d *text.Document, n *config.Node, depth int) (out []Symbol) {
	if depth == 0 {
		return nil
	}
	for _, e := range n.Entries() {
		out = append(out, Symbol{e.Key, short(e.Value), keyPlace(path, d, e), outline(path, d, e.Value, depth-1)})
	}
	for i, one := range n.Items() {
		if one.Kind() != config.Mapping || len(one.Entries()) == 0 {
			continue
		}
		name := short(one.Get("name"))
		if name == "" {
			name = short(one.Get("when"))
		}
		if name == "" {
			name = "item " + strconv.Itoa(i+1)
		}
		out = append(out, Symbol{name, "", keyPlace(path, d, one.Entries()[0]), outline(path, d, one, depth-1)})
	}
	return out
}

func short(n *config.Node) string {
	const most = 60
	if n.Kind() != config.Scalar || n.IsNull() {
		return ""
	}
	s := oneLine(n.Text())
	if len([]rune(s)) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return s
}

// Lens is something to do at a place.
type Lens struct {
	Place Place
	Title string
	// Test is the name of the test to run. When it is empty, the sample is explained.
	Test string
}

// Lenses returns what can be done in a file: run each test, explain what a mapping makes.
func (w *Workspace) Lenses(path string) (out []Lens) {
	d, root := w.Document(path), w.tree(path)
	if suite.IsTestFile(path) {
		for _, t := range root.Get("tests").Items() {
			if n := t.Get("name"); n.Text() != "" {
				out = append(out, Lens{nodePlace(path, d, n), "run this test", n.Text()})
			}
		}
		return out
	}
	for _, e := range root.Get("mapping").Entries() {
		out = append(out, Lens{keyPlace(path, d, e), "explain for the sample", ""})
		for _, one := range e.Value.Items() {
			if len(one.Entries()) > 0 {
				out = append(out, Lens{keyPlace(path, d, one.Entries()[0]), "explain for the sample", ""})
			}
		}
	}
	return out
}
