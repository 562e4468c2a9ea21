package file

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

// model knows a kind and a name, and completes each record with a mark.
type model struct{ component.Model }

func (model) Record(raw []byte) (*component.Record, error) {
	v, err := codec.Decode(raw)
	if err != nil {
		return nil, err
	}
	kind, _ := v["kind"].(string)
	name, _ := v["name"].(string)
	if kind == "" {
		return nil, context.Canceled
	}
	return &component.Record{Entry: component.Entry{Ref: kind + ":" + name, Kind: kind}, Raw: raw}, nil
}

func (model) Complete(all []component.Recorded) ([][]byte, []string, error) {
	out := make([][]byte, len(all))
	for i, one := range all {
		out[i] = append(slices.Clone(one.Raw[:len(one.Raw)-1]), `,"mark":true}`...)
	}
	return out, []string{"completed"}, nil
}

// TestSource: records come with the phase that reads their kind, completed, and
// the last of one ref counts.
func TestSource(t *testing.T) {
	s, err := New([]component.Recorded{{Raw: []byte(`{"kind":"a","name":"x","n":1}`)}, {Raw: []byte(`{"kind":"b","name":"y"}`)}, {Raw: []byte(`{"kind":"a","name":"x","n":2}`)}}, model{})
	if err != nil {
		t.Fatal(err)
	}
	if twice, notes := s.Twice(), s.Notes(); !strings.Contains(twice, "a:x") || strings.Contains(twice, "b:y") ||
		strings.Join(notes, " ") != "completed" {
		t.Errorf("%q %q", twice, notes)
	}
	var got []string
	emit := func(_ context.Context, records []*component.Record) error {
		for _, r := range records {
			got = append(got, string(r.Raw))
		}
		return nil
	}
	for _, kind := range []string{"A", "c"} {
		if err := s.Read(t.Context(), component.Phase{Kinds: []component.Kind{{Name: kind}}}, emit); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Join(got, " ") != `{"kind":"a","name":"x","n":2,"mark":true}` {
		t.Error(got)
	}
	if refs := s.Refs(); strings.Join(refs, " ") != "a:x b:y" {
		t.Error(refs)
	}
}

func TestSourceRefuses(t *testing.T) {
	_, err := New([]component.Recorded{{Raw: []byte(`{}`), Pos: config.Pos{File: "x", Line: 3, Col: 1}}}, model{})
	if err == nil || !strings.Contains(err.Error(), "x:3:1: not a record") {
		t.Error(err)
	}
	if _, err := New(nil, nil); err == nil {
		t.Error("a model that makes no records was taken")
	}
}
