package set_test

import (
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
)

const file = `
version: 1
name: test
source:
  catalog:
    url: http://localhost
mapping:
  documents:
    fields:
      id: ref
permissions:
  default: none
sink:
  store:
    token: ${STORE_TOKEN}
transforms:
  - name: tidy
    set:
`

func apply(t *testing.T, changes string, value map[string]any) (map[string]any, error) {
	t.Helper()
	d := pipelinetest.Parse(file+changes, registry(&pipelinetest.Kit{}))
	if d.Problems.HasErrors() {
		t.Fatalf("%v\n%s", d.Problems, changes)
	}
	p, done, err := d.Open(component.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	r := pipelinetest.Record(value)
	r.Value = value
	out, err := p.Transforms[0].Apply(t.Context(), component.NewWorker(p.Language, nil), []*component.Record{r})
	if err != nil || out[0].Dropped != "" {
		t.Fatal(out, err)
	}
	return r.Value, out[0].Err
}

func entity() map[string]any {
	return map[string]any{
		"kind": "API",
		"metadata": map[string]any{
			"name": "a", "title": "old", "tags": []any{"t"},
			"annotations": map[string]any{"a.b/c": "x", "other": "y"},
		},
		"spec": map[string]any{"type": "service", "deep": map[string]any{"list": []any{}}},
	}
}

// TestSet: the new values, and copy on write: who else holds the value, or a
// part of it, sees the old one.
func TestSet(t *testing.T) {
	for changes, want := range map[string]string{ // path → JSON of the metadata and spec
		"      metadata.title: upper(metadata.name)\n":                                            `{"annotations":{"a.b/c":"x","other":"y"},"name":"a","tags":["t"],"title":"A"} {"deep":{"list":[]},"type":"service"}`,
		"      metadata.title: nil\n      metadata.annotations[\"a.b/c\"]: nil\n":                 `{"annotations":{"other":"y"},"name":"a","tags":["t"]} {"deep":{"list":[]},"type":"service"}`,
		"      metadata.tags: [a, b]\n      spec.type: []\n":                                      `{"annotations":{"a.b/c":"x","other":"y"},"name":"a","tags":["a","b"],"title":"old"} {"deep":{"list":[]},"type":[]}`,
		"      metadata.title: spec.type\n      spec.type: metadata.title\n":                      `{"annotations":{"a.b/c":"x","other":"y"},"name":"a","tags":["t"],"title":"service"} {"deep":{"list":[]},"type":"old"}`,
		"      spec.new.er: kind\n      spec.new.est: kind\n      spec.gone.for.good: nil\n":      `{"annotations":{"a.b/c":"x","other":"y"},"name":"a","tags":["t"],"title":"old"} {"deep":{"list":[]},"new":{"er":"API","est":"API"},"type":"service"}`,
		"      metadata.annotations[\"z\"]: kind\n      spec: '{\"a\": spec.deep}'\n":             `{"annotations":{"a.b/c":"x","other":"y","z":"API"},"name":"a","tags":["t"],"title":"old"} {"a":{"list":[]}}`,
		"      spec.deep.list: concat(spec.deep.list, [kind])\n      metadata.annotations: nil\n": `{"name":"a","tags":["t"],"title":"old"} {"deep":{"list":["API"]},"type":"service"}`,
	} {
		before := entity()
		held := maps.Clone(before)
		got, err := apply(t, changes, before)
		if err != nil {
			t.Errorf("%s: %v", changes, err)
			continue
		}
		metadata, _ := codec.Marshal(got["metadata"])
		spec, _ := codec.Marshal(got["spec"])
		if string(metadata)+" "+string(spec) != want {
			t.Errorf("%s: %s %s\nwant %s", changes, metadata, spec, want)
		}
		if !reflect.DeepEqual(before, entity()) || !reflect.DeepEqual(held, entity()) {
			t.Errorf("%s: another holder of the record sees the change: %v", changes, before)
		}
	}
}

// TestReject: a record that cannot be changed stays as it was, all of it.
func TestReject(t *testing.T) {
	for changes, c := range map[string]struct{ field, reason string }{
		"      metadata.title: kind\n      spec.type.deeper: kind\n": {"tidy: spec.type.deeper",
			"a parent of it is not an object"},
		"      metadata.title: kind\n      spec.a: lower(spec.deep)\n": {"tidy: spec.a", "takes text"},
		"      spec.deep.list.x: kind\n":                               {"tidy: spec.deep.list.x", "not an object"},
		"      metadata.title: kind\n      spec.a: spec.type.deeper\n": {"tidy: spec.a", "is text here"},
		"      metadata.annotations[\"other\"].x: kind\n":              {`tidy: metadata.annotations["other"].x`, "not an object"},
	} {
		before := entity()
		got, err := apply(t, changes, before)
		var r *fault.Rejection
		if !errors.As(err, &r) || r.Stage != "transform" || r.Field != c.field || !strings.Contains(r.Reason, c.reason) {
			t.Errorf("%s: %v; want %s: %s", changes, err, c.field, c.reason)
		}
		if !reflect.DeepEqual(got, entity()) || !reflect.DeepEqual(before, entity()) {
			t.Errorf("%s: changed all the same: %v", changes, got)
		}
	}
}
