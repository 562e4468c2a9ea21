package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	maxDepth = 100
	maxNodes = 100_000
)

// Parse parses the text of a pipeline file; file is its name in positions. The document is
// never nil. When there are problems it holds the values that could be read, and Decode skips
// those that have a problem.
func Parse(file string, src []byte) (*Document, Problems) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	doc := &Document{file: file}
	doc.root = doc.unknown()
	at := Problem{Pos: Pos{file, 1, 1}}
	switch {
	case len(src) > maxFile:
		at.Code, at.Message = codeTooLarge, "the file has more than 4 MiB"
		at.Hint = "a pipeline file has a few hundred lines; check that this is the right file"
		return doc, Problems{at}
	case !utf8.Valid(src):
		at.Pos = invalidByte(file, src)
		doc.lines = splitLines(strings.ToValidUTF8(string(src), "\ufffd"))
		at.Code, at.Message, at.Hint = codeNotUTF8, "the file is not UTF-8 text", "save it as UTF-8"
		return doc, Problems{at}
	}
	text := string(src)
	doc.lines = splitLines(text)
	p := &parser{doc: doc, open: map[*yaml.Node]bool{}}
	p.parse(text)
	return doc, p.problems.Sorted()
}

func invalidByte(file string, src []byte) Pos {
	line, col := 1, 1
	for len(src) > 0 {
		r, size := utf8.DecodeRune(src)
		if r == utf8.RuneError && size == 1 {
			break
		}
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
		src = src[size:]
	}
	return Pos{file, line, col}
}

type parser struct {
	doc      *Document
	problems Problems
	masked   map[int]bool // lines whose value was removed after a syntax problem
	shift    map[int]int  // by line: the columns that a corrected indentation moved it to the right
	nodes    int
	aliased  bool                // an alias was followed
	open     map[*yaml.Node]bool // the anchored values that are being built
}

func (p *parser) add(at Problem, code, message, hint string) {
	at.Code, at.Message, at.Hint = code, message, hint
	p.problems = append(p.problems, at)
}

// parse builds the tree. After a syntax problem it removes or corrects the faulty text and
// reads the rest of the file.
func (p *parser) parse(text string) {
	const most = 10
	for range most {
		root, err := decode(strings.NewReader(text))
		switch {
		case errors.Is(err, io.EOF):
			p.add(Problem{Pos: Pos{p.doc.file, 1, 1}}, codeEmpty, "the file is empty",
				"start it with version: 1; the folder pipelines of the repository has complete examples")
			return
		case err == nil && p.masked[0]:
			return
		case err == nil:
			p.doc.root = p.build(root, nil, "", "", 0)
			if p.nodes > maxNodes {
				p.doc.root = p.doc.unknown()
			}
			return
		}
		var several secondDocument
		if errors.As(err, &several) {
			p.add(Problem{Pos: Pos{p.doc.file, several.line, 1}, Width: 3}, codeDocuments,
				"a second YAML document starts here",
				"a file has one pipeline: remove the ---, or move the rest to another file")
			return
		}
		if text = p.syntaxProblem(err, text); text == "" {
			return
		}
	}
}

// secondDocument is the error for a file with more than one document.
type secondDocument struct{ line int }

func (secondDocument) Error() string { return "several documents" }

// decode returns the value of the only document, or io.EOF when there is none.
func decode(r io.Reader) (root *yaml.Node, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("yaml: this text is not valid")
		}
	}()
	dec := yaml.NewDecoder(r)
	var first, second yaml.Node
	if err := dec.Decode(&first); err != nil {
		return nil, err
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, secondDocument{second.Line}
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	root = first.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Value == "" {
		return nil, io.EOF
	}
	return root, nil
}

// build converts a yaml.Node into a Node. An alias becomes a new copy of the value of its
// anchor, with the position of the anchor and the path of the alias.
func (p *parser) build(y *yaml.Node, key *yaml.Node, path, name string, depth int) *Node {
	n := &Node{doc: p.doc, pos: p.pos(y), path: path}
	if key != nil {
		n.key, n.keyPos = name, p.pos(key)
	}
	if p.nodes++; p.nodes > maxNodes {
		if p.nodes == maxNodes+1 {
			hint := ""
			if p.aliased {
				hint = "values repeated by aliases count each time"
			}
			p.add(Problem{Pos: n.pos}, codeTooMany, "the file has more than 100,000 values", hint)
		}
		n.broken = true
		return n
	}
	if depth > maxDepth {
		p.add(Problem{Pos: n.pos}, codeTooDeep, "values are nested more than 100 levels deep", "")
		n.kind, n.broken = Scalar, true
		return n
	}
	if y.Kind == yaml.AliasNode {
		if p.open[y.Alias] {
			n.broken = true
			p.add(Problem{Pos: n.pos, Width: utf8.RuneCountInString(y.Value) + 1}, codeAlias,
				"this alias is inside the value of its own anchor", anchorHint(y.Value))
			return n
		}
		p.aliased = true
		return p.build(y.Alias, key, path, name, depth)
	}
	if y.Anchor != "" {
		p.open[y] = true
		defer delete(p.open, y)
	}
	n.flow = y.Style&yaml.FlowStyle != 0
	p.refuse(y, n)
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = Mapping
		p.entries(y, n, depth)
	case yaml.SequenceNode:
		n.kind = List
		for i, item := range y.Content {
			n.items = append(n.items, p.build(item, nil, joinPath(path, strconv.Itoa(i)), "", depth+1))
			n.items[i].flow = n.items[i].flow || n.flow
		}
	default:
		p.scalar(y, n)
	}
	return n
}

func (p *parser) scalar(y *yaml.Node, n *Node) {
	n.kind, n.text, n.comment = Scalar, y.Value, y.LineComment
	switch {
	case y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		n.style = quoted
	case y.Style&yaml.LiteralStyle != 0:
		n.style = literal
	case y.Style&yaml.FoldedStyle != 0:
		n.style = folded
	}
	n.null = y.Tag == "!!null" && n.style == plain
	if n.null && (p.masked[n.keyPos.Line] || p.masked[n.pos.Line]) {
		n.broken = true
	}
}

func (p *parser) entries(y *yaml.Node, n *Node, depth int) {
	seen := map[string]Pos{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		at := Problem{Pos: p.pos(k), Width: utf8.RuneCountInString(k.Value)}
		switch {
		case k.Tag == "!!merge":
			merged = append(merged, v)
			continue
		case k.Kind == yaml.AliasNode:
			p.add(at, codeAlias, "an alias cannot be a key here", "write the key out")
			continue
		case k.Kind != yaml.ScalarNode:
			hint := "put quotes around it"
			if strings.Contains(p.doc.line(k.Line), "{{") {
				hint = "values are expressions: write names without {{ }}"
			}
			p.add(at, codeKey, "a key must be plain text", hint)
			continue
		}
		if first, ok := seen[k.Value]; ok {
			p.add(at, codeDuplicate, fmt.Sprintf("%s is written twice, first on line %d", quote(k.Value), first.Line),
				"keep one of the two lines")
			continue
		}
		seen[k.Value] = at.Pos
		p.refuse(k, &Node{})
		value := p.build(v, k, joinPath(n.path, k.Value), k.Value, depth+1)
		value.flow = value.flow || n.flow
		n.entries = append(n.entries, Entry{k.Value, at.Pos, value})
	}
	for _, m := range merged {
		p.merge(m, n, depth)
	}
}

// merge adds to n the entries of a mapping, or of each mapping of a list, whose keys n does
// not have.
func (p *parser) merge(y *yaml.Node, n *Node, depth int) {
	value := y
	if y.Kind == yaml.AliasNode {
		value = y.Alias
	}
	switch {
	case value.Kind == yaml.MappingNode:
		for _, e := range p.build(y, nil, n.path, "", depth+1).entries {
			if n.Get(e.Key) == nil {
				n.entries = append(n.entries, e)
			}
		}
	case y.Kind == yaml.SequenceNode && !slices.ContainsFunc(y.Content, func(m *yaml.Node) bool {
		return m.Kind == yaml.SequenceNode
	}):
		for _, m := range y.Content {
			p.merge(m, n, depth)
		}
	default:
		p.add(Problem{Pos: p.pos(y), Width: max(1, utf8.RuneCountInString(y.Value))}, codeAlias, mergesMappings,
			"name the anchor of a mapping")
	}
}

// refuse reports YAML that is not allowed in a pipeline file: tags, and flow style that cuts
// a text at a comma inside brackets.
func (p *parser) refuse(y *yaml.Node, n *Node) {
	switch {
	case y.Style&yaml.TaggedStyle != 0:
		n.broken = true
		p.trap(tagTrap(p.doc.line(y.Line)), y.Line, y.Column)
	case y.Style&yaml.FlowStyle != 0 && cutInFlow(y):
		n.broken = true
		p.trap(flowTrap(p.doc.line(y.Line)), y.Line, y.Column)
	}
}

func (p *parser) pos(y *yaml.Node) Pos { return Pos{p.doc.file, y.Line, y.Column - p.shift[y.Line]} }

// cutInFlow reports whether a plain text inside { } or [ ] was cut at a comma within its own
// brackets.
func cutInFlow(y *yaml.Node) bool {
	for _, c := range y.Content {
		if c.Kind == yaml.ScalarNode && c.Style == 0 && !balanced(c.Value) || cutInFlow(c) {
			return true
		}
	}
	return false
}
