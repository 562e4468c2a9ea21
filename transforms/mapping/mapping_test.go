package mapping_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/transforms/mapping"
)

const file = `
version: 1
name: test
source:
  catalog:
    url: http://localhost
permissions:
  default: none
sink:
  store:
    token: ${STORE_TOKEN}
mapping:
`

func load(t *testing.T, block string) (*pipeline.Definition, *component.Pipeline) {
	t.Helper()
	d := pipelinetest.Parse(file+block, registry(&pipelinetest.Kit{}))
	if d.Problems.HasErrors() {
		t.Fatalf("%v\n%s", d.Problems, block)
	}
	p, done, err := d.Open(component.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	return d, p
}

func apply(p *component.Pipeline, entity map[string]any, pass component.Pass) (component.Mapped, error) {
	r := pipelinetest.Record(entity)
	w := component.NewWorker(p.Language, nil)
	w.Begin(r)
	return p.Mapper.Map(w, r, pass)
}

const streams = `
  users:
    when: kind == "User" and spec.profile.email != nil
    otherwise: no e-mail
    fields:
      id: ref
      email: lower(spec.profile.email)
  documents:
    - when: kind in ["Component", "API"] and spec.hidden != true
      fields:
        id: '"first"'
    - when: kind == "API" or spec.flag ?? false
      otherwise: hidden
      fields:
        id: '"second"'
    - when: kind == "Group"
      fields:
        id: '"team"'
`

func entity(kind string, spec map[string]any) map[string]any {
	return map[string]any{"kind": kind, "metadata": map[string]any{"name": "a"}, "spec": spec}
}

// TestPasses: the first mapping of a stream that holds; which pass maps what;
// and the names under which records are counted that nothing takes (invariant 3).
func TestPasses(t *testing.T) {
	_, p := load(t, streams)
	mail := map[string]any{"profile": map[string]any{"email": "A@B"}}
	for name, c := range map[string]struct {
		entity  map[string]any
		pass    component.Pass
		ids     string // of the items, by stream
		later   bool
		omitted string
		err     string
	}{
		"a user": {entity("User", mail), component.IdentityStreams, "users=user:default/a",
			false, "", ""},
		"a user, later": {entity("User", mail), component.OtherStreams, "", false, "no e-mail",
			""},
		"a user with a document, too": {entity("User", map[string]any{"flag": true, "profile": mail["profile"]}),
			component.IdentityStreams, "users=user:default/a", true, "", ""},
		"without e-mail": {entity("User", nil), component.IdentityStreams, "", false, "no e-mail",
			""},
		"a group waits": {entity("Group", nil), component.IdentityStreams, "", true, "", ""},
		"a group": {entity("Group", nil), component.OtherStreams, "documents=team", false,
			"", ""},
		"a component": {entity("Component", nil), component.OtherStreams, "documents=first",
			false, "", ""},
		"the first of two that hold": {entity("API", nil), component.OtherStreams, "documents=first", false, "",
			""},
		"the second": {entity("API", map[string]any{"hidden": true}), component.OtherStreams,
			"documents=second", false, "", ""},
		"none": {entity("Component", map[string]any{"hidden": true}),
			component.OtherStreams, "", false, "hidden", ""},
		"an unmapped kind": {entity("Domain", nil), component.OtherStreams, "", false, "no mapping",
			""},
		"a condition that cannot be decided": {entity("Component", map[string]any{"hidden": true, "flag": "x"}),
			component.OtherStreams, "", false, "", "documents.when"},
		"and in the pass before": {entity("User", map[string]any{"flag": "x"}), component.IdentityStreams,
			"", false, "", "documents.when"},
		"an identity condition that fails": {entity("User", map[string]any{"profile": "x"}),
			component.IdentityStreams, "", false, "", "users.when"},
		"an identity condition is not asked again": {entity("Component", map[string]any{"profile": "x"}),
			component.OtherStreams, "documents=first", false, "", ""},
	} {
		got, err := apply(p, c.entity, c.pass)
		var r *fault.Rejection
		if c.err != "" {
			if !errors.As(err, &r) || r.Stage != "mapping" || r.Field != c.err {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			continue
		}
		var ids []string
		for _, item := range got.Items {
			ids = append(ids, item.Stream+"="+item.Fields[0].Value.(string))
		}
		if err != nil || strings.Join(ids, " ") != c.ids || got.Later != c.later || got.Omitted != c.omitted {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c)
		}
	}
}

// TestFields: every type with accepted and refused values, omitted values, and the name of a
// rejection.
func TestFields(t *testing.T) {
	_, p := load(t, `
  documents:
    fields:
      id: spec.id
      title: spec.title
      tags: spec.tags
      owner: spec.owner
      updatedAt: spec.updated
      rank: spec.rank
      properties:
        type: spec.type
        fixed: [a, b]
        none: []
        nested: spec.nested
`)
	fixed := component.Field{Name: "properties", Value: []component.Field{{Name: "fixed", Value: []string{"a", "b"}}}}
	id := component.Field{Name: "id", Value: "x"}
	for name, c := range map[string]struct {
		spec   map[string]any
		want   []component.Field
		field  string
		reason string
	}{
		"all": {map[string]any{"title": "T", "tags": []any{"a"}, "owner": "User:a/B", "updated": 5.0, "rank": 7.0,
			"type": "service", "nested": []any{"n"}}, []component.Field{
			{Name: "id", Value: "x"}, {Name: "title", Value: "T"}, {Name: "tags", Value: []string{"a"}},
			{Name: "owner", Value: "user:a/b"}, {Name: "updatedAt", Value: int64(5)}, {Name: "rank", Value: int64(7)},
			{Name: "properties",
				Value: []component.Field{{Name: "type", Value: "service"}, {Name: "fixed", Value: []string{"a", "b"}},
					{Name: "nested", Value: []string{"n"}}}},
		}, "", ""},
		"absent is left out": {nil, []component.Field{id, fixed}, "", ""},
		"empty is left out": {map[string]any{"title": "", "owner": "", "type": "", "nested": []any{}},
			[]component.Field{id, fixed}, "", ""},
		"an empty list is a list": {map[string]any{"tags": []any{}},
			[]component.Field{id, {Name: "tags", Value: []string{}}, fixed}, "", ""},
		"required": {map[string]any{"id": nil}, nil, "documents.id",
			"it has no value, but documents need one"},
		"required and empty": {map[string]any{"id": ""}, nil, "documents.id", "it has no value"},
		"title is a list":    {map[string]any{"title": []any{"secret"}}, nil, "documents.title", "it gives a list"},
		"tags are an object": {map[string]any{"tags": map[string]any{}}, nil, "documents.tags",
			"an object, but a list"},
		"owner is an object": {map[string]any{"owner": map[string]any{}}, nil, "documents.owner",
			"an object, but one text"},
		"updatedAt is text": {map[string]any{"updated": "2024"}, nil, "documents.updatedAt", "epoch"},
		"rank is not whole": {map[string]any{"rank": 1.5}, nil, "documents.rank", "not whole"},
		"a property is an object": {map[string]any{"nested": map[string]any{}}, nil, "documents.properties.nested",
			"an object"},
		"an error of the record": {map[string]any{"nested": []any{[]any{}}}, nil, "documents.properties.nested",
			"contains a list"},
	} {
		spec := map[string]any{"id": "x"}
		for k, v := range c.spec {
			spec[k] = v
		}
		got, err := apply(p, entity("API", spec), component.OtherStreams)
		if c.field != "" {
			var r *fault.Rejection
			if !errors.As(err, &r) || r.Field != c.field || !strings.Contains(r.Reason, c.reason) ||
				strings.Contains(r.Reason, "secret") {
				t.Errorf("%s: %v; want %s: %s", name, err, c.field, c.reason)
			}
			continue
		}
		if err != nil || len(got.Items) != 1 || !reflect.DeepEqual(got.Items[0].Fields, c.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", name, got.Items, err, c.want)
		}
	}
}

func TestFacts(t *testing.T) {
	d, _ := load(t, `
  users:
    when: kind == "User"
    fields:
      id: ref
      email: spec.email
  documents:
    - when: kind in ["API", "Component"]
      fields:
        id: ref
        title: lower(kind)
        owner: '"user:a/b"'
        tags: [a]
        rank: len(kind)
        properties:
          kind: upper(kind)
          type: spec.type
    - fields:
        id: display("component:default/x")
        title: 'kind == "API" ? "api" : nil'
        owner: '"user:" + kind'
    - when: kind == "User" and kind == "API"
      fields:
        id: lower(kind)
`)
	if len(d.Facts) != 4 {
		t.Fatal(d.Facts)
	}
	kinds := func(i int) string { return strings.Join(d.Facts[i].Kinds, " ") }
	if kinds(0) != "User" || kinds(1) != "Component API" || kinds(2) != "User Group Component API" {
		t.Error(kinds(0), "|", kinds(1), "|", kinds(2))
	}
	values := map[string]map[string]string{}
	for _, f := range append(d.Facts[1].Fields, d.Facts[1].Fields[5].Properties...) {
		values[f.Name] = f.Values
		if f.Node.Pos().Line == 0 {
			t.Errorf("%s has no place", f.Name)
		}
	}
	want := map[string]map[string]string{
		"id": nil, "title": {"API": "api", "Component": "component"}, "owner": {"API": "user:a/b", "Component": "user:a/b"},
		"tags": nil, "rank": nil, "properties": nil, "kind": {"API": "API", "Component": "COMPONENT"}, "type": nil,
	}
	if !reflect.DeepEqual(values, want) {
		t.Errorf("%v\nwant %v", values, want)
	}
	for _, f := range d.Facts[2].Fields {
		if want := f.Name == "owner"; (f.Values != nil) != want || want && f.Values["API"] != "user:API" {
			t.Errorf("the values of %s for each kind: %v", f.Name, f.Values)
		}
	}
	if f := d.Facts[3]; len(f.Kinds) != 0 || f.Fields[0].Values != nil {
		t.Errorf("a mapping that takes no kind: %+v", f)
	}
}

// TestDecides: the paths that decide the outcome of a record are those of the condition and
// of fields that are required, refs or marked as deciding.
func TestDecides(t *testing.T) {
	d, _ := load(t, `
  users:
    when: spec.person
    fields:
      id: '"user:default/" + spec.name'
      email: spec.email
      isActive: spec.active
  groups:
    fields:
      id: '"group:default/" + spec.name'
      members: spec.members
  documents:
    fields:
      id: spec.id
      title: spec.title
      tags: spec.tags
      owner: spec.owner
      rank: spec.rank
      properties:
        type: spec.type
`)
	want := [][]string{
		{"spec.active", "spec.email", "spec.name", "spec.person"},
		{"spec.members", "spec.name"},
		{"spec.id", "spec.owner"},
	}
	for i, want := range want {
		if got := slices.Sorted(slices.Values(d.Facts[i].Decides)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", d.Facts[i].Stream, got, want)
		}
	}
}

// TestAcceptedRuns is invariant 9 for mappings: what loads makes items, or
// rejects the record, whatever the record looks like.
func TestAcceptedRuns(t *testing.T) {
	loaded := 0
	for i := range 400 {
		e := pipelinetest.NewExpressions(i)
		names := []string{"title", "tags", "owner", "updatedAt", "rank"}
		block := "  documents:\n    - when: |\n        " + e.Condition() + "\n      fields:\n        id: ref\n" +
			"        " + names[i%len(names)] + ": |\n          " + e.Next() +
			"\n        properties:\n          a: |\n            " + e.Next() + "\n"
		d := pipelinetest.Parse(file+block, registry(&pipelinetest.Kit{}))
		if d.Problems.HasErrors() {
			continue
		}
		loaded++
		p, done, err := d.Open(component.Settings{})
		if err != nil {
			t.Fatalf("%v\n%s", err, block)
		}
		for _, value := range pipelinetest.Records() {
			got, err := apply(p, value, component.OtherStreams)
			var r *fault.Rejection
			if err != nil && !errors.As(err, &r) || err == nil && len(got.Items) == 0 && got.Omitted == "" {
				t.Errorf("%+v, %v\n%s", got, err, block)
			}
		}
		done()
	}
	if loaded < 20 {
		t.Errorf("only %d blocks loaded", loaded)
	}
}

func TestSpec(t *testing.T) {
	if err := config.CheckSpec(&mapping.Mapping{}); err != nil {
		t.Error(err)
	}
}
