package file

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
)

// Load reads a file of records; see Parse.
func Load(path string) ([]engine.Recorded, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return nil, engine.Errorf(engine.Fatal, "check the path; it starts from the working directory", "read the records: %s: %w", path, err)
	}
	return Parse(path, text)
}

// Parse reads records: a JSON array, an object that holds one under items, one
// JSON object a line, or YAML documents, each a record or a list of them.
func Parse(name string, text []byte) ([]engine.Recorded, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	trimmed := bytes.TrimSpace(text)
	var out []engine.Recorded
	var err error
	switch lead := len(text) - len(bytes.TrimLeft(text, " \t\r\n")); {
	case len(trimmed) == 0:
	case trimmed[0] == '[':
		out, err = array(config.Pos{File: name, Line: 1 + bytes.Count(text[:lead], []byte("\n")), Col: 1}, trimmed)
	case trimmed[0] == '{':
		out, err = objects(name, text)
	default:
		out, err = documents(name, string(text))
	}
	if err == nil && len(out) == 0 {
		err = engine.Errorf(engine.Fatal, remedy, "%s holds no records", name)
	}
	return out, err
}

const remedy = "give a JSON array of entities, one JSON object a line, or YAML documents"

func array(at config.Pos, text []byte) ([]engine.Recorded, error) {
	var out []engine.Recorded
	rest := text
	err := codec.Elements(text, func(value []byte) error {
		if i := bytes.Index(rest, value); i >= 0 { // values come in their order
			at.Line += bytes.Count(rest[:i], []byte("\n"))
			rest = rest[i:]
		}
		out = append(out, engine.Recorded{Raw: bytes.Clone(value), Pos: config.Pos{File: at.File, Line: at.Line, Col: 1}})
		return nil
	})
	if err != nil {
		return nil, engine.Errorf(engine.Fatal, remedy, "%s: the JSON array ends badly at or after its record %d: %w", at.File, len(out)+1, err)
	}
	return out, nil
}

// objects reads one object, an object with items, or one a line.
func objects(name string, text []byte) ([]engine.Recorded, error) {
	var items []byte
	whole := codec.Members(text, func(member string, value []byte) error {
		if member == "items" && len(value) > 0 && value[0] == '[' {
			items = bytes.Clone(value)
		}
		return nil
	})
	switch {
	case whole == nil && items != nil:
		return array(config.Pos{File: name, Line: 1}, items)
	case whole == nil:
		return []engine.Recorded{{Raw: bytes.TrimSpace(text), Pos: config.Pos{File: name, Line: 1, Col: 1}}}, nil
	}
	var out []engine.Recorded
	for i, line := range bytes.Split(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if _, err := codec.Decode(line); err != nil {
			return nil, engine.Errorf(engine.Fatal, remedy, "%s:%d: this line is no JSON object: %w", name, i+1, err)
		}
		out = append(out, engine.Recorded{Raw: line, Pos: config.Pos{File: name, Line: i + 1, Col: 1}})
	}
	return out, nil
}

var separator = regexp.MustCompile(`(?m)^---(?:[ \t].*)?\r?$`)

// documents reads YAML. Positions are those of the whole text.
func documents(name, text string) ([]engine.Recorded, error) {
	var out []engine.Recorded
	for start := 0; start <= len(text); {
		end, next := len(text), len(text)+1
		if at := separator.FindStringIndex(text[start:]); at != nil {
			end, next = start+at[0], start+at[1]
		}
		if part := text[start:end]; !blank(part) {
			doc, problems := config.Parse(name, []byte(strings.Repeat("\n", strings.Count(text[:start], "\n"))+part))
			if problems.HasErrors() {
				return nil, problems.Errors()
			}
			records, err := Of(doc.Root())
			if err != nil {
				return nil, err
			}
			out = append(out, records...)
		}
		start = next
	}
	return out, nil
}

// blank tells whether a document holds nothing but comments.
func blank(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line != "..." {
			return false
		}
	}
	return true
}

// Of makes records of YAML that was read already: a mapping, or a list of them.
func Of(n *config.Node) ([]engine.Recorded, error) {
	items := []*config.Node{n}
	if n.Kind() == config.List {
		items = n.Items()
	}
	var out []engine.Recorded
	for _, item := range items {
		if item.Kind() != config.Mapping {
			return nil, config.Problems{{Pos: item.Pos(), Width: item.Width(), Code: "wrong-kind", Message: "this is no record", Hint: "a record is a mapping: kind, metadata, spec"}}
		}
		raw, err := codec.Marshal(item.Value())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", item.Pos(), err)
		}
		out = append(out, engine.Recorded{Raw: raw, Pos: item.Pos()})
	}
	return out, nil
}
