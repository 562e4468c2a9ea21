package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
)

// FromFile reads a recorded catalog: a JSON array of entities, an object with
// them under `items`, one entity a line, or one entity alone. Where no entity
// has relations they are taken as people write them, and stitched.
func FromFile(path string) ([][]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	f := recording{path: path, text: bytes.TrimPrefix(text, []byte("\ufeff")), lines: map[string]int{}}
	if err := f.read(); err != nil {
		return nil, err
	}
	if len(f.entities) == 0 {
		return nil, fmt.Errorf("%s: no entities in it; give a JSON array of entities, an object with `items`, or one entity a line", path)
	}
	if f.related {
		return f.entities, nil
	}
	return Stitch(f.entities)
}

// recording is a file while it is read.
type recording struct {
	path     string
	text     []byte
	at       int // how far it has been read
	counted  int // how far lines have been counted
	lineAt   int // how many
	entities [][]byte
	lines    map[string]int // where each ref was
	related  bool           // some entity has relations
}

func (f *recording) read() error {
	trimmed := bytes.TrimSpace(f.text)
	switch {
	case bytes.HasPrefix(trimmed, []byte("[")):
		return f.list(trimmed)
	case !bytes.HasPrefix(trimmed, []byte("{")):
		if len(trimmed) == 0 {
			return nil
		}
		return fmt.Errorf("%s:1: not JSON; give a JSON array of entities, an object with `items`, or one entity a line", f.path)
	}
	var items []byte
	err := codec.Members(trimmed, func(name string, value []byte) error {
		if name == "items" {
			items = bytes.Clone(value)
		}
		return nil
	})
	first, _, _ := bytes.Cut(trimmed, []byte("\n"))
	_, alone := codec.Decode(first)
	switch {
	case err == nil && items != nil:
		return f.list(items)
	case err == nil && alone != nil: // spread over lines
		return f.add(trimmed)
	}
	return f.each()
}

// list reads an array of entities that stands somewhere in the text.
func (f *recording) list(array []byte) error {
	err := codec.Elements(array, func(value []byte) error { return f.add(bytes.Clone(value)) })
	if err != nil && !strings.HasPrefix(err.Error(), f.path) {
		return fmt.Errorf("%s:%d: entity %d, or what follows it, is not JSON: %w", f.path, f.line(), len(f.entities)+1, err)
	}
	return err
}

// each reads one entity a line; empty lines are passed over.
func (f *recording) each() error {
	for line := range bytes.Lines(f.text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if err := f.add(line); err != nil {
			return err
		}
	}
	return nil
}

// add takes the next entity of the file.
func (f *recording) add(raw []byte) error {
	if i := bytes.Index(f.text[f.at:], raw); i >= 0 {
		f.at += i
	}
	line := f.line()
	e, err := newEntry(raw, newest)
	if err != nil {
		return fmt.Errorf("%s:%d: not an entity: %w", f.path, line, err)
	}
	if e.kind.value == "" {
		return fmt.Errorf("%s:%d: not an entity: it has no kind", f.path, line)
	}
	if before, ok := f.lines[e.ref]; ok && e.name.value != "" {
		return fmt.Errorf("%s:%d: %s is there already, in line %d", f.path, line, e.ref, before)
	}
	f.lines[e.ref] = line
	f.entities = append(f.entities, raw)
	f.at += len(raw)
	return codec.Members(raw, func(name string, _ []byte) error {
		f.related = f.related || name == "relations"
		return nil
	})
}

// line is the line of the next thing to read. It only ever counts forward, so
// that the whole file costs one pass.
func (f *recording) line() int {
	rest := f.text[f.at:]
	f.at += len(rest) - len(bytes.TrimLeft(rest, ", \t\r\n"))
	f.lineAt += bytes.Count(f.text[f.counted:f.at], []byte("\n"))
	f.counted = f.at
	return 1 + f.lineAt
}
