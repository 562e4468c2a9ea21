package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Datum is the value of one YAML document: nil, bool, float64, string, []any or
// map[string]any.
type Datum struct {
	Pos   Pos
	Value any
	Items []Pos // of a list
}

// Documents reads data in YAML: any number of documents, without the empty ones. It reads them as the JavaScript
// library yaml does, which Backstage
// uses: the core schema of YAML 1.2, aliases with the bound of that library and a
// bound on size, and merge keys where merge is true. file is its name in positions.
func Documents(file string, src []byte, merge bool) ([]Datum, Problems) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if !utf8.Valid(src) {
		at := Problem{Pos: invalidByte(file, src), Code: codeNotUTF8, Message: "the file is not UTF-8 text",
			Hint: "save it as UTF-8"}
		return nil, Problems{at}
	}
	var out []Datum
	for part := range parts(string(src)) {
		root, err := decode(strings.NewReader(part.text))
		if errors.Is(err, io.EOF) {
			continue
		}
		if err != nil {
			return nil, part.syntax(file, err)
		}
		e := expander{file: file, offset: part.line, merge: merge}
		d := Datum{Pos: e.pos(root)}
		if d.Value, err = e.root(root); err != nil {
			var p Problem
			if !errors.As(err, &p) {
				p = Problem{Pos: d.Pos, Code: codeSyntax, Message: err.Error()}
			}
			return nil, Problems{p}
		}
		if _, list := d.Value.([]any); list {
			for _, item := range root.Content {
				d.Items = append(d.Items, e.pos(item))
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// document is the text of one, and how many lines are above it.
type document struct {
	text string
	line int
}

// marker is a line that starts or ends a document. No scalar holds one.
var marker = regexp.MustCompile(`(?m)^(?:---(?:[ \t].*)?|\.\.\.(?:[ \t].*)?)\r?$`)

// parts cuts a text at its markers. The rest of a --- line belongs to the document;
// directives and comments alone are not a document.
func parts(text string) func(yield func(document) bool) {
	return func(yield func(document) bool) {
		starts := []int{0}
		for _, at := range marker.FindAllStringIndex(text, -1) {
			if text[at[0]] == '-' {
				starts = append(starts, at[0])
			} else {
				starts = append(starts, at[1])
			}
		}
		line := 0
		for i, start := range starts {
			end := len(text)
			if i+1 < len(starts) {
				end = starts[i+1]
			}
			part := strings.TrimSuffix(text[start:end], "...")
			if !blank(part) && !yield(document{part, line}) {
				return
			}
			line += strings.Count(text[start:end], "\n")
		}
	}
}

// blank reports whether a document holds nothing but comments and directives.
func blank(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line != "---" && line != "..." && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

// unknownAnchor is what YAML says of an alias without an anchor.
var unknownAnchor = regexp.MustCompile(`unknown anchor '([^']*)' referenced`)

// syntax is what is wrong with a document that YAML cannot read.
func (d document) syntax(file string, err error) Problems {
	var several secondDocument
	p := &parser{doc: &Document{file: file, lines: splitLines(d.text)}}
	unset := unknownAnchor.FindStringSubmatch(err.Error())
	switch {
	case errors.As(err, &several):
		p.add(Problem{Pos: Pos{file, several.line, 1}}, codeDocuments,
			"a second YAML document starts here without a line ---", "write --- between two documents")
	case unset != nil:
		at := max(0, strings.Index(d.text, "*"+unset[1]))
		line := strings.Count(d.text[:at], "\n") + 1
		col := utf8.RuneCountInString(d.text[strings.LastIndexByte(d.text[:at], '\n')+1:at]) + 1
		p.add(Problem{Pos: Pos{file, line, col}}, codeAlias, anchorUnset, anchorHint(unset[1]))
	default:
		p.syntaxProblem(err, d.text)
	}
	for i := range p.problems {
		p.problems[i].Line += d.line
	}
	if len(p.problems) == 0 {
		p.add(Problem{Pos: Pos{file, d.line + 1, 1}}, codeSyntax, "this document is not valid YAML", "")
	}
	return p.problems[:1]
}
