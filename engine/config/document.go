package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const maxFile = 4 << 20

// Document is one parsed file.
type Document struct {
	file   string
	root   *Node
	lines  []string
	hidden map[int]int // line: the column from which on Source shows nothing
	// misplaced is that a line was read at another indentation than it has.
	misplaced bool
}

// Root is the value of the whole file, never nil. When the file could not be
// parsed, Decode of the root reports nothing further.
func (d *Document) Root() *Node { return d.root }

// File is the path that the document was loaded from.
func (d *Document) File() string { return d.file }

// Certain leaves out the problems that may follow from a line with a wrong indentation:
// which mapping a line belongs to is a guess then. The problem of that line stays.
func (d *Document) Certain(all Problems) Problems {
	if !d.misplaced {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(p Problem) bool { return p.Code != codeSyntax })
}

// Source is the text of the file for Problems.Render. Secrets that are written
// in it are hidden as far as they are known: call it after Decode.
func (d *Document) Source() []byte {
	lines := make([]string, len(d.lines))
	for i, line := range d.lines {
		if col, ok := d.hidden[i+1]; ok {
			runes := []rune(line)
			line = string(runes[:min(col-1, len(runes))])
			if col > 1 {
				line += redacted
			}
		}
		lines[i] = line
	}
	return []byte(strings.Join(lines, "\n"))
}

// Load reads and parses a file. The document is never nil.
func Load(path string) (*Document, Problems) {
	data, err := read(path)
	if err == nil {
		return Parse(path, data)
	}
	doc := &Document{file: path}
	doc.root = doc.unknown()
	p := Problem{Pos: Pos{File: path}, Code: codeUnreadable, Message: "the file cannot be read"}
	var pathError *fs.PathError
	switch info, _ := os.Stat(path); {
	case info != nil && info.IsDir():
		p.Message, p.Hint = "this is a directory", "name the pipeline file in it"
	case errors.Is(err, fs.ErrNotExist):
		p.Message, p.Hint = "the file does not exist", missingHint(path)
	case errors.Is(err, fs.ErrPermission):
		p.Message, p.Hint = "no permission to read the file", "give this user permission to read it"
	case errors.As(err, &pathError):
		p.Message += ": " + pathError.Err.Error()
	}
	return doc, Problems{p}
}

// missingHint says where a file may be that is not at its path: in the folder, under
// another spelling, or in the folder pipelines.
func missingHint(path string) string {
	folder, name := filepath.Split(path)
	for _, elsewhere := range []string{filepath.Join("pipelines", name), name} {
		if info, err := os.Stat(elsewhere); err == nil && info.Mode().IsRegular() {
			return "did you mean " + elsewhere + "?"
		}
	}
	entries, err := os.ReadDir(filepath.Clean(folder))
	if err != nil {
		return "the folder does not exist either; the path starts from the working directory"
	}
	var names []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext == ".yaml" || ext == ".yml" {
			names = append(names, e.Name())
		}
	}
	if near := Nearest(name, names); near != "" {
		return "did you mean " + folder + near + "?"
	}
	return "check the path; it starts from the working directory"
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// unknown is a root about which nothing can be said.
func (d *Document) unknown() *Node {
	return &Node{doc: d, kind: Mapping, broken: true, pos: Pos{d.file, 1, 1}}
}

// line is the text of a line of the file, "" beyond its ends.
func (d *Document) line(number int) string {
	if number < 1 || number > len(d.lines) {
		return ""
	}
	return d.lines[number-1]
}

// hideFrom hides the end of a line and the lines below it that are indented
// deeper than the value's key.
func (d *Document) hideFrom(line, col, indent int) {
	if d.hidden == nil {
		d.hidden = map[int]int{}
	}
	if before, ok := d.hidden[line]; !ok || col < before {
		d.hidden[line] = col
	}
	for l := line + 1; l <= len(d.lines); l++ {
		text := d.line(l)
		if strings.TrimSpace(text) != "" && indentation(text) <= indent {
			return
		}
		d.hidden[l] = 1
	}
}

// hide keeps the scalars of a node out of Document.Source.
func (n *Node) hide() {
	switch {
	case n == nil || n.null || n.pos.Line == 0:
	case n.kind == Scalar:
		indent := indentation(n.doc.line(n.pos.Line))
		if !n.flow && n.keyPos.Line == n.pos.Line {
			indent = n.keyPos.Col - 1
		}
		n.doc.hideFrom(n.pos.Line, n.pos.Col, indent)
	default:
		for _, e := range n.entries {
			e.Value.hide()
		}
		for _, item := range n.items {
			item.hide()
		}
	}
}

// hideBelow keeps what looks like secrets in a value of unknown shape out of Document.Source.
func (n *Node) hideBelow() {
	if n == nil {
		return
	}
	for _, e := range n.entries {
		if looksSecret(e.Key) {
			e.Value.hide()
		}
		e.Value.hideBelow()
	}
	for _, item := range n.items {
		item.hideBelow()
	}
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
