package push

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// model reads records {"id": …, "kind": …}.
type model struct {
	component.Model
	kinds []string
}

func (m model) Phases() []component.Phase {
	people := component.Phase{Name: "people", Identities: true, Kinds: []component.Kind{{Name: "Person"}}}
	rest := component.Phase{Name: "rest"}
	for _, kind := range m.kinds {
		rest.Kinds = append(rest.Kinds, component.Kind{Name: kind})
	}
	return []component.Phase{people, rest}
}

func (model) Record(raw []byte) (*component.Record, error) {
	v, err := codec.Decode(raw)
	if err != nil {
		return nil, err
	}
	id, _ := v["id"].(string)
	kind, _ := v["kind"].(string)
	return &component.Record{Entry: component.Entry{Ref: id, Kind: kind}, Raw: raw}, nil
}

func (model) Complete([]component.Recorded) ([][]byte, []string, error) { return nil, nil, nil }

func (model) Decode(*component.Record) error { return nil }

func (model) ParseRef(text string) (string, bool) { return strings.ToLower(text), text != "" }

var (
	pages  = component.Grant{ID: "wiki", Kinds: []string{component.All}, Namespaces: []string{component.All}}
	people = component.Grant{ID: "people", Identities: true}
)

// folder is the folder of a pipeline file with a store of the given kinds.
type folder struct {
	t     *testing.T
	path  string
	kinds []string
}

func (f folder) settings() component.Settings {
	return component.Settings{Folder: f.path, Model: model{kinds: f.kinds}}
}

func (f folder) config() *Config {
	return &Config{Store: "records.db", MaxRecord: 1 << 20, MaxSet: 1 << 20, MaxRecords: 10}
}

func (f folder) push(g component.Grant, records ...string) {
	f.t.Helper()
	s, err := Spec().OpenRecords(f.t.Context(), f.config(), f.settings())
	if err != nil {
		f.t.Fatal(err)
	}
	defer s.Close()
	set, err := s.Begin(f.t.Context(), g, component.Scope{}, "")
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err = s.Append(f.t.Context(), g, set.ID, strings.NewReader(strings.Join(records, "\n")), ""); err != nil {
		f.t.Fatal(err)
	}
	if _, err := s.Commit(f.t.Context(), g, set.ID, len(records), ""); err != nil {
		f.t.Fatal(err)
	}
}

func (f folder) open() *Reader {
	f.t.Helper()
	s, err := Spec().Open(f.config(), f.settings())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { s.Close() })
	return s.(*Reader)
}

// read returns the refs of a phase.
func (f folder) read(r *Reader, phase int) (string, error) {
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel() // as the engine does after each phase
	var refs []string
	err := r.Read(ctx, r.model.Phases()[phase], func(_ context.Context, page []*component.Record) error {
		for _, one := range page {
			refs = append(refs, one.Ref)
		}
		return nil
	})
	return strings.Join(refs, " "), err
}

func (f folder) wants(r *Reader, phase int, refs string) {
	f.t.Helper()
	if got, err := f.read(r, phase); err != nil || got != refs {
		f.t.Errorf("phase %d: %q, %v; want %q", phase, got, err, refs)
	}
}

// TestNothingPushed: a store that does not exist, or into which no set was committed, fails the
// run, and reading never creates it.
func TestNothingPushed(t *testing.T) {
	f := folder{t, t.TempDir(), []string{"Page"}}
	for _, state := range []string{"no file", "no commit"} {
		r := f.open()
		_, err := f.read(r, 0)
		if err == nil || !strings.Contains(err.Error(), "nothing was pushed yet") || fault.ClassOf(err) != fault.Fatal {
			t.Errorf("%s: error %v", state, err)
		}
		if found := r.Check(t.Context()); len(found) != 1 || found[0].OK || found[0].Remedy == "" {
			t.Errorf("%s: %+v", state, found)
		}
		if _, err := r.Get(t.Context(), "a"); err == nil {
			t.Errorf("%s: a record was looked up", state)
		}
		if state == "no file" {
			if files, _ := os.ReadDir(f.path); len(files) > 0 {
				t.Errorf("reading created %v", files)
			}
			s, err := Spec().OpenRecords(t.Context(), f.config(), f.settings())
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
		}
	}
	f.push(pages)
	f.wants(f.open(), 1, "") // an empty set was pushed
}

// TestPhasesOfOneState: all phases of a run read one state, and the file is let go after the
// last one.
func TestPhasesOfOneState(t *testing.T) {
	f := folder{t, t.TempDir(), []string{"Page"}}
	f.push(people, `{"id":"ann","kind":"Person"}`)
	f.push(pages, `{"id":"p1","kind":"Page"}`)
	r := f.open()
	f.wants(r, 0, "ann")
	if got := r.Estimates(); !reflect.DeepEqual(got, map[string]int{"Person": 1, "Page": 1}) {
		t.Errorf("estimates: %v", got)
	}
	f.push(people, `{"id":"bob","kind":"Person"}`)
	f.push(pages, `{"id":"p2","kind":"Page"}`)
	f.wants(r, 1, "p1")
	if r.state != nil {
		t.Error("the state is held after the last phase")
	}
	if one, err := r.Get(t.Context(), "P2"); err != nil || one == nil || one.Ref != "p2" {
		t.Errorf("get: %v, %v", one, err)
	}
	if one, err := r.Get(t.Context(), "p1"); err != nil || one != nil {
		t.Errorf("get a replaced record: %v, %v", one, err)
	}
	f.wants(f.open(), 0, "bob")
}

func TestCheck(t *testing.T) {
	f := folder{t, t.TempDir(), []string{"Page"}}
	f.push(pages)
	if found := f.open().Check(t.Context()); !found[0].OK || !found[0].Warning {
		t.Errorf("an empty store: %+v", found)
	}
	f.push(pages, `{"id":"p1","kind":"Page"}`, `{"id":"p2","kind":"page"}`)
	found := f.open().Check(t.Context())
	if !found[0].OK || found[0].Warning || !strings.HasPrefix(found[0].Detail, "2 records, last changed ") ||
		!strings.HasSuffix(found[0].Detail, ": Page 2") {
		t.Errorf("%+v", found)
	}
	if notes := f.open().Notes(); len(notes) > 0 {
		t.Errorf("notes: %v", notes)
	}

	f.kinds = []string{"Doc"}
	r := f.open()
	f.wants(r, 1, "")
	if notes := r.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "2 records are stored of the kind page") {
		t.Errorf("notes about a kind that is not read: %v", notes)
	}

	text := []byte(strings.Repeat("not a database ", 100))
	if err := os.WriteFile(filepath.Join(f.path, "records.db"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	found = f.open().Check(t.Context())
	if found[0].OK || !errors.As(found[0].Err, new(*fault.StateError)) || !strings.Contains(found[0].Remedy, "backup") {
		t.Errorf("a damaged store: %+v", found)
	}
}

func TestPath(t *testing.T) {
	c := &Config{Store: "a/b.db"}
	if got := c.path("f"); got != filepath.Join("f", "a", "b.db") {
		t.Errorf("relative: %s", got)
	}
	c.Store = filepath.Join(t.TempDir(), "b.db")
	if got := c.path("f"); got != c.Store {
		t.Errorf("absolute: %s", got)
	}
}
