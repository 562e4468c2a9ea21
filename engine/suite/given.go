package suite

import (
	"fmt"
	"maps"
	"path/filepath"
	"strconv"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
)

func itoa(n int) string { return strconv.Itoa(n) }

// given returns the records of a test, those of the file first.
func (f *File) given(t *Test, load func(path string) ([]component.Recorded, error)) ([]component.Recorded,
	config.Problems) {
	var out []component.Recorded
	var problems config.Problems
	for _, list := range [][]Given{f.Records, t.Records} {
		for _, g := range list {
			records, err := f.records(g, load)
			if err != nil {
				problems = append(problems, *err)
			}
			out = append(out, records...)
		}
	}
	return out, problems
}

// Samples returns the records of the file and its fixtures, without those of tests and of other
// files.
func (f *File) Samples() []component.Recorded {
	var out []component.Recorded
	add := func(n *config.Node) {
		if n == nil {
			return
		}
		if raw, err := codec.Marshal(n.Value()); err == nil {
			out = append(out, component.Recorded{Raw: raw, Pos: n.Pos(), Folder: filepath.Dir(f.path)})
		}
	}
	for _, e := range f.Fixtures {
		add(e.Value.node)
	}
	for _, g := range f.Records {
		if g.fixture == nil && g.file == nil {
			add(g.node)
		}
	}
	return out
}

func (f *File) records(g Given, load func(path string) ([]component.Recorded, error)) ([]component.Recorded,
	*config.Problem) {
	node, value := g.node, any(nil)
	switch {
	case g.file != nil:
		records, err := load(f.resolve(g.file.Text()))
		if err != nil {
			return nil, problemAt(g.file, codeRecords, err.Error(), "the path starts from the folder of the test file")
		}
		return records, nil
	case g.fixture != nil:
		named, ok := f.Fixtures.Get(g.fixture.Text())
		if !ok {
			return nil,
				problemAt(g.fixture, codeFixture, fmt.Sprintf("there is no fixture %q", g.fixture.Text()),
					nearHint(g.fixture.Text(), f.fixtureNames()))
		}
		if named.node == nil {
			return nil, nil // reported when the file was read
		}
		node, value = g.fixture, merged(named.node.Value(), g.with)
	default:
		value = node.Value()
	}
	raw, err := codec.Marshal(value)
	if err != nil {
		return nil, problemAt(node, codeRecords, err.Error(), "")
	}
	return []component.Recorded{{Raw: raw, Pos: node.Pos(), Folder: filepath.Dir(f.path)}}, nil
}

func (f *File) fixtureNames() []string {
	var out []string
	for _, e := range f.Fixtures {
		out = append(out, e.Key)
	}
	return out
}

// merged applies changes to a record: mappings are merged, other values are replaced, and null
// removes a value.
func merged(value any, with *config.Node) any {
	if with == nil {
		return value
	}
	object, ok := value.(map[string]any)
	if with.Kind() != config.Mapping {
		return with.Value()
	}
	if !ok {
		object = nil
	}
	out := maps.Clone(object)
	if out == nil {
		out = map[string]any{}
	}
	for _, e := range with.Entries() {
		if e.Value.IsNull() {
			delete(out, e.Key)
			continue
		}
		out[e.Key] = merged(out[e.Key], e.Value)
	}
	return out
}

func problemAt(n *config.Node, code, message, hint string) *config.Problem {
	return &config.Problem{Pos: n.Pos(), Width: n.Width(), Code: code, Message: message, Hint: hint}
}

// nearHint suggests a correction of a misspelt name.
func nearHint(name string, known []string) string {
	if near := config.Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "the names are " + display.List(known, mostListed, ", ")
}
