package records

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Load reads a file of records; see Parse.
func Load(path string, isRecord func(object []byte) bool) ([]component.Recorded, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return nil,
			fault.Errorf(fault.Fatal, "check the path; it starts from the working directory", "read the records: %s: %w", path,
				err)
	}
	out, err := Parse(path, text, isRecord)
	for i := range out {
		out[i].Folder = filepath.Dir(path)
	}
	return out, err
}

// Parse parses records: a JSON array, an object that holds one in items, one JSON object per
// line, or YAML documents, each a record or a list of records. isRecord reports whether an
// object with a list in items is itself a record.
func Parse(name string, text []byte, isRecord func(object []byte) bool) ([]component.Recorded, error) {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, fault.Errorf(fault.Fatal, "save it as UTF-8", "%s is UTF-16 text", name)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	trimmed := bytes.TrimSpace(text)
	var out []component.Recorded
	var err error
	switch lead := len(text) - len(bytes.TrimLeft(text, " \t\r\n")); {
	case len(trimmed) == 0:
	case trimmed[0] == '[':
		out, err = array(config.Pos{File: name, Line: 1 + bytes.Count(text[:lead], []byte("\n")), Col: 1}, trimmed)
	case trimmed[0] == '{':
		out, err = objects(name, text, isRecord)
	default:
		out, err = documents(name, text)
	}
	if err == nil && len(out) == 0 {
		err = fault.Errorf(fault.Fatal, remedy, "%s holds no records", name)
	}
	return out, err
}

const remedy = "give a JSON array of records, one JSON object a line, or YAML documents"

func array(at config.Pos, text []byte) ([]component.Recorded, error) {
	var out []component.Recorded
	rest := text
	err := codec.Elements(text, func(value []byte) error {
		if i := bytes.Index(rest, value); i >= 0 { // values come in order
			at.Line += bytes.Count(rest[:i], []byte("\n"))
			rest = rest[i:]
		}
		out = append(out, component.Recorded{Raw: bytes.Clone(value), Pos: config.Pos{File: at.File, Line: at.Line, Col: 1}})
		return nil
	})
	if err != nil {
		return nil,
			fault.Errorf(fault.Fatal, remedy, "%s: the JSON array ends badly at or after its record %d: %w", at.File, len(out)+1,
				err)
	}
	return out, nil
}

// objects parses one object, an object with items, or one object per line.
func objects(name string, text []byte, isRecord func(object []byte) bool) ([]component.Recorded, error) {
	items, whole := listed(text, isRecord)
	switch {
	case whole == nil && items != nil:
		at := 1 + bytes.Count(text[:max(0, bytes.Index(text, items))], []byte("\n"))
		return array(config.Pos{File: name, Line: at}, items)
	case whole == nil:
		return []component.Recorded{{Raw: bytes.TrimSpace(text), Pos: config.Pos{File: name, Line: 1, Col: 1}}}, nil
	}
	var out []component.Recorded
	for i, line := range bytes.Split(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		items, err := listed(line, isRecord)
		if err != nil {
			return nil, fault.Errorf(fault.Fatal, remedy, "%s:%d: this line is no JSON object: %w", name, i+1, err)
		}
		if items == nil {
			out = append(out, component.Recorded{Raw: line, Pos: config.Pos{File: name, Line: i + 1, Col: 1}})
			continue
		}
		page, err := array(config.Pos{File: name, Line: i + 1}, items)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
	}
	return out, nil
}

// listed returns the list in items of an API response; nil for a record.
func listed(object []byte, isRecord func(object []byte) bool) (items []byte, err error) {
	err = codec.Members(object, func(member string, value []byte) error {
		if member == "items" && len(value) > 0 && value[0] == '[' {
			items = bytes.Clone(value)
		}
		return nil
	})
	if items != nil && isRecord(object) {
		items = nil
	}
	return items, err
}

// documents parses YAML: each document is a record or a list of records.
func documents(name string, text []byte) ([]component.Recorded, error) {
	all, problems := config.Documents(name, text, true)
	if problems.HasErrors() {
		return nil, problems.Errors()
	}
	var out []component.Recorded
	for _, d := range all {
		items, places := []any{d.Value}, []config.Pos{d.Pos}
		if list, ok := d.Value.([]any); ok {
			items, places = list, d.Items
		}
		for i, item := range items {
			if _, ok := item.(map[string]any); !ok {
				return nil,
					config.Problems{{Pos: places[i], Code: "wrong-kind", Message: "not a record",
						Hint: "a record is a mapping of names and values"}}
			}
			raw, err := codec.Marshal(item)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", places[i], err)
			}
			out = append(out, component.Recorded{Raw: raw, Pos: places[i]})
		}
	}
	return out, nil
}
