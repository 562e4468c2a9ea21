package permissions_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/transforms/permissions"
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
sink:
  store:
    token: ${STORE_TOKEN}
permissions:
`

// open makes the pipeline of a permissions block.
func open(t *testing.T, block string) *component.Pipeline {
	t.Helper()
	k := &pipelinetest.Kit{}
	d := pipelinetest.Parse(file+block, registry(k))
	if d.Problems.HasErrors() {
		t.Fatal(d.Problems)
	}
	p, done, err := d.Open(component.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	return p
}

func decide(t *testing.T, p *component.Pipeline, entity map[string]any) (access.Permissions, error) {
	t.Helper()
	r := pipelinetest.Record(entity)
	w := component.NewWorker(p.Language, nil)
	w.Begin(r)
	return p.Decider.Decide(w, r)
}

// entity is a component with a mark and owners.
func entity(mark any, owners ...any) map[string]any {
	relations := []any{}
	for _, o := range owners {
		relations = append(relations, map[string]any{"type": "ownedBy", "targetRef": o})
	}
	return map[string]any{
		"kind":      "Component",
		"metadata":  map[string]any{"name": "a", "annotations": map[string]any{"mark": mark}},
		"relations": relations,
	}
}

// TestTruthTable: every default with every kind of owner. Whether an owner
// exists is for the sink to say: a dangling one is given like any other.
func TestTruthTable(t *testing.T) {
	owners := map[string][]any{
		"user":     {"user:default/ann"},
		"group":    {"group:default/team"},
		"missing":  {},
		"dangling": {"group:other/ghost of a team"},
		"both":     {"user:default/ann", "Group:default/Team", "user:default/ANN"},
	}
	named := map[string][]string{
		"user":     {"user:default/ann"},
		"group":    {"group:default/team"},
		"dangling": {"group:other/ghost of a team"},
		"both":     {"user:default/ann", "group:default/team"},
	}
	audiences := map[string]access.Audience{
		"all-users": access.AllUsers, "datasource-users": access.DatasourceUsers, "owner": access.Listed,
		"none": access.Nobody,
	}
	for word, audience := range audiences {
		byDefault := open(t, "  owners: related(\"ownedBy\")\n  default: "+word+"\n")
		byRule := open(t,
			"  owners: related(\"ownedBy\")\n  rules:\n    - name: r\n      when: kind == \"Component\"\n      allow: "+word+
				"\n  default: none\n")
		for who, refs := range owners {
			for rule, p := range map[string]*component.Pipeline{"default": byDefault, "r": byRule} {
				want := access.Permissions{Audience: audience, Rule: rule}
				if word == "owner" {
					want.Principals = named[who]
				}
				got, err := decide(t, p, entity(nil, refs...))
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s by %s, owner %s: %+v, %v; want %+v", word, rule, who, got, err, want)
				}
			}
		}
	}
}

// TestRules: the first rule that holds decides. Invariant 2: an undecidable record is
// rejected under the rule's name, and no wider rule is evaluated.
func TestRules(t *testing.T) {
	const block = `
  owners: coalesce(spec.owners, related("ownedBy"))
  rules:
    - name: private
      when: lower(trim(metadata.annotations.mark)) in ["owner", "private"]
      allow: owner
    - name: loud
      when: metadata.annotations.mark == "loud"
      allow: all-users
    - name: loud again
      when: metadata.annotations.mark == "loud"
      allow: none
    - name: not a condition
      when: spec.flag ?? false
      allow: none
    - name: lists
      when: metadata.annotations.mark == "lists"
      allow:
        groups: ["group:default/Payments", "group:default/payments", "team:default/zoe"]
        users: related("ownedBy", "user")
    - name: one
      when: metadata.annotations.mark == "one"
      allow:
        users: spec.person
  default: all-users
`
	p := open(t, block)
	with := func(e map[string]any, spec map[string]any) map[string]any {
		e["spec"] = spec
		return e
	}
	for name, c := range map[string]struct {
		entity map[string]any
		want   access.Permissions
		field  string // of the rejection
		reason string
	}{
		"default": {entity: entity(nil), want: access.Permissions{Audience: access.AllUsers, Rule: "default"}},
		"private": {entity: entity(" Owner ", "user:default/ann"),
			want: access.Permissions{Audience: access.Listed, Rule: "private", Principals: []string{"user:default/ann"}}},
		"private, without owners": {entity: entity("owner"),
			want: access.Permissions{Audience: access.Listed, Rule: "private"}},
		"first of two": {entity: entity("loud"), want: access.Permissions{Audience: access.AllUsers, Rule: "loud"}},
		"lists": {entity: entity("lists", "user:default/ann", "group:default/x"),
			want: access.Permissions{Audience: access.Listed, Rule: "lists",
				Principals: []string{"user:default/ann", "group:default/payments", "team:default/zoe"}}},
		"one text is a list": {entity: with(entity("one"), map[string]any{"person": " User:default/Bob "}),
			want: access.Permissions{Audience: access.Listed, Rule: "one", Principals: []string{"user:default/bob"}}},
		"nil is nobody":   {entity: entity("one"), want: access.Permissions{Audience: access.Listed, Rule: "one"}},
		"error in a rule": {entity: entity([]any{"owner"}), field: "private", reason: "takes text"},
		"error in the record": {entity: map[string]any{"kind": "API", "metadata": "text"}, field: "private",
			reason: "is text here"},
		"not a boolean": {entity: with(entity(nil), map[string]any{"flag": "yes"}), field: "not a condition",
			reason: "true or false"},
		"not a ref": {entity: with(entity("one"), map[string]any{"person": "bob"}), field: "one",
			reason: "allow.users gives something that is not a full ref"},
		"not a text": {entity: with(entity("one"), map[string]any{"person": 5.0}), field: "one",
			reason: "not a full ref"},
		"an empty text": {entity: with(entity("one"), map[string]any{"person": ""}), field: "one",
			reason: "not a full ref"},
		"an object": {entity: with(entity("one"), map[string]any{"person": map[string]any{}}), field: "one",
			reason: "not a full ref"},
		"an owner of no kind": {entity: entity("owner", "user:default/ann", "team"), field: "private",
			reason: "owners gives"},
		"owners, wrong in part": {entity: with(entity("owner"), map[string]any{"owners": []any{"user:default/ann", 5.0}}),
			field: "private", reason: "owners gives"},
		"nil among owners": {entity: with(entity("owner"), map[string]any{"owners": []any{nil, "user:default/ann"}}),
			want: access.Permissions{Audience: access.Listed, Rule: "private", Principals: []string{"user:default/ann"}}},
	} {
		got, err := decide(t, p, c.entity)
		if c.field == "" {
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
			}
			continue
		}
		var r *fault.Rejection
		if !errors.As(err, &r) || r.Stage != "permissions" || r.Field != c.field || !strings.Contains(r.Reason, c.reason) {
			t.Errorf("%s: %+v, %v; want a rejection by %s: %s", name, got, err, c.field, c.reason)
		}
		if got.Audience != access.Undecided {
			t.Errorf("%s: an error that comes with the audience %s", name, got.Audience)
		}
	}
}

// TestUndecided: a decider of a file that is wrong, or not known yet, decides
// nothing (invariant 2).
func TestUndecided(t *testing.T) {
	k := &pipelinetest.Kit{}
	var decider component.Decider
	r := registry(k)
	spec := permissions.Spec().Any()
	r.Permissions.New = func(cfg any, s component.DeciderSettings) (component.Decider, []component.GrantFacts) {
		var facts []component.GrantFacts
		decider, facts = spec.New(cfg, s)
		return decider, facts
	}
	for _, block := range []string{"  default: everybody\n", "  default: ${EMPTY}\n", "  rules: []\n"} {
		d := pipelinetest.Parse(file+block, r)
		if !d.Problems.HasErrors() {
			t.Errorf("%s: no error", block)
		}
		if got, err := decider.Decide(component.NewWorker(d.Language, nil), nil); err == nil ||
			got.Audience != access.Undecided {
			t.Errorf("%s: %+v, %v", block, got, err)
		}
	}
}

func TestFacts(t *testing.T) {
	var got []string
	k := &pipelinetest.Kit{}
	d := pipelinetest.Parse(file+`
  owners: related("ownedBy")
  rules:
    - {name: a, when: kind == "API", allow: owner}
    - {name: b, when: kind == "API", allow: all-users}
    - name: c
      when: kind == "API"
      allow:
        users: ["user:default/a"]
    - name: d
      when: kind == "API"
      allow:
        groups: related("x")
  default: datasource-users
`, registry(k))
	for _, g := range d.Grants {
		got = append(got, fmt.Sprint(g.Rule, " ", g.Audience, " ", g.Users, " ", g.Groups, " ", g.Node.Pos().Line > 0))
	}
	want := []string{"a listed true true true", "b all-users false false true", "c listed true false true",
		"d listed false true true", "default datasource-users false false true"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\n%v", got, d.Problems)
	}
}

// TestAcceptedRuns is invariant 9 for rules: what loads is decided, or rejects
// the record, whatever the record looks like.
func TestAcceptedRuns(t *testing.T) {
	loaded := 0
	for i := range 400 {
		e := pipelinetest.NewExpressions(i)
		block := "  owners: |\n    " + e.Next() + "\n  rules:\n    - name: a\n      when: |\n        " + e.Condition() +
			"\n      allow:\n        users: |\n          " + e.Next() + "\n        groups: |\n          " + e.Next() +
			"\n    - name: b\n      when: |\n        " + e.Condition() + "\n      allow: owner\n  default: owner\n"
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
			got, err := decide(t, p, value)
			var r *fault.Rejection
			if err != nil && !errors.As(err, &r) || err == nil && got.Audience == access.Undecided {
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
	if err := config.CheckSpec(&permissions.Config{}); err != nil {
		t.Error(err)
	}
}
