package backstage

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

func testModel() *Model {
	return NewModel(&Config{URL: "https://api.example.com/", UIURL: "https://backstage.example.com/x/"})
}

func TestDecode(t *testing.T) {
	for name, tc := range map[string]struct{ raw, field string }{
		"whole":                     {`{"kind":"API","metadata":{"name":"a","namespace":"x"},"relations":[{"type":"t","targetRef":"a:b/c"}]}`, ""},
		"bare":                      {`{"kind":"API","metadata":{"name":"a"}}`, ""},
		"nulls":                     {`{"kind":"API","metadata":{"name":"a","namespace":null,"tags":null},"spec":null,"relations":null}`, ""},
		"numbers where no one asks": {`{"kind":"API","metadata":{"name":"a","title":7},"spec":{"profile":3}}`, ""},
		"no metadata":               {`{"kind":"API"}`, "metadata"},
		"metadata a list":           {`{"kind":"API","metadata":[]}`, "metadata"},
		"no kind":                   {`{"metadata":{"name":"a"}}`, "kind"},
		"no name":                   {`{"kind":"API","metadata":{}}`, "metadata.name"},
		"empty name":                {`{"kind":"API","metadata":{"name":""}}`, "metadata.name"},
		"name a number":             {`{"kind":"API","metadata":{"name":1}}`, "metadata.name"},
		"namespace a number":        {`{"kind":"API","metadata":{"name":"a","namespace":1}}`, "metadata.namespace"},
		"relations an object":       {`{"kind":"API","metadata":{"name":"a"},"relations":{}}`, "relations"},
		"relation a text":           {`{"kind":"API","metadata":{"name":"a"},"relations":["x"]}`, "relations[0]"},
		"relation without type":     {`{"kind":"API","metadata":{"name":"a"},"relations":[{"targetRef":"a:b/c"}]}`, "relations[0].type"},
		"relation to a number":      {`{"kind":"API","metadata":{"name":"a"},"relations":[{"type":"t","targetRef":"a:b/c"},{"type":"t","targetRef":4}]}`, "relations[1].targetRef"},
		"not an object":             {`[]`, "-"},
	} {
		r := &component.Record{Raw: []byte(tc.raw)}
		err := testModel().Decode(r)
		if tc.field == "" {
			if err != nil || r.Value["metadata"].(map[string]any)["namespace"] == nil {
				t.Errorf("%s: %v %v", name, err, r.Value)
			}
			continue
		}
		rejection, ok := err.(*fault.Rejection)
		if !ok || rejection.Stage != "read" || rejection.Field != strings.Trim(tc.field, "-") || rejection.Reason == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Old servers give the target of a relation in parts, and the oldest nothing
// else.
func TestDecodeOldRelations(t *testing.T) {
	r := &component.Record{Raw: []byte(`{"kind":"Component","metadata":{"name":"a"},"relations":[{"type":"ownedBy","target":{"kind":"Group","namespace":"X","name":"Y"}}]}`)}
	if err := testModel().Decode(r); err != nil {
		t.Fatal(err)
	}
	if got, err := run(t, testModel(), `related("ownedBy")`, r.Value); err != nil || !reflect.DeepEqual(got, []any{"group:x/y"}) {
		t.Errorf("%v %v", got, err)
	}
}

// run evaluates an expression for an entity.
func run(t *testing.T, m *Model, text string, entity map[string]any) (any, error) {
	t.Helper()
	language, errs := expression.New(m.Language(), nil, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	program, wrong := language.Compile(text, expression.WantAny)
	if wrong != nil {
		t.Fatalf("%s: %v", text, wrong)
	}
	r := language.NewRun()
	r.Start("component:default/booking web", entity, func(ref string) (expression.Entry, expression.Presence) {
		switch ref {
		case "group:default/booking":
			return expression.Entry{Ref: ref, Kind: "Group", Title: "Booking", Email: "b@example.com"}, expression.Present
		case "user:default/untitled":
			return expression.Entry{Ref: ref}, expression.Present
		}
		return expression.Entry{}, expression.Absent
	})
	return r.Eval(program)
}

func TestFunctions(t *testing.T) {
	decoded := func(raw string) map[string]any {
		v, err := codec.Decode([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	owned := decoded(`{"kind":"Component","metadata":{"name":"x","namespace":"ns"},"spec":{"owner":"someone-else"},"relations":[
		{"type":"ownedBy","targetRef":"Group:default/Booking"},{"type":"ownedBy","targetRef":"user:default/ann"},
		{"type":"ownedBy","targetRef":"user:default/ann"},{"type":"partOf","targetRef":"system:default/s"},{"type":"ownedBy","targetRef":"no ref"}]}`)
	unowned := decoded(`{"kind":"Component","metadata":{"name":"x","namespace":"ns"},"spec":{"owner":"team"}}`)
	custom := decoded(`{"kind":"Template","metadata":{"name":"x","namespace":"ns"},"spec":{"owner":"Team"}}`)
	for _, tc := range []struct {
		text   string
		entity map[string]any
		want   any
	}{
		{`related("ownedBy")`, owned, []any{"group:default/booking", "user:default/ann"}},
		{`related("ownedBy", "User")`, owned, []any{"user:default/ann"}},
		{`related("partOf", "domain")`, owned, []any{}},
		{`related("dependsOn")`, owned, []any{}},
		{`related(nil)`, owned, []any{}},
		{`related("ownedBy")`, unowned, []any{}},
		{`related("ownedBy")`, custom, []any{"group:ns/team"}},
		{`related("ownedBy", "user")`, custom, []any{}},
		{`related("ownedBy")`, decoded(`{"kind":"Custom","spec":{"owner":"user:x/y"}}`), []any{"user:x/y"}},
		{`related("ownedBy")`, decoded(`{"kind":"Custom","spec":{"owner":["x"]}}`), []any{}},
		{`related("ownedBy")`, map[string]any{}, []any{}},
		{`lookup("Group:default/booking")`, nil,
			map[string]any{"ref": "group:default/booking", "kind": "Group", "title": "Booking", "email": "b@example.com"}},
		{`lookup("user:default/untitled").title`, nil, nil},
		{`lookup("user:default/nobody")`, nil, nil},
		{`lookup(nil)`, nil, nil},
		{`display("group:default/booking")`, nil, "Booking"},
		{`display("user:default/untitled")`, nil, "untitled"},
		{`display("user:default/nobody")`, nil, "nobody"},
		{`display(nil)`, nil, nil},
		{`kindOf("API:x/y")`, nil, "api"},
		{`kindOf("y")`, nil, nil},
		{`page`, nil, "https://backstage.example.com/x/catalog/default/component/booking%20web"},
		{`page("API:Payments/A.B")`, nil, "https://backstage.example.com/x/catalog/payments/api/a.b"},
		{`page("nonsense")`, nil, nil},
		{`page(nil)`, nil, nil},
	} {
		got, err := run(t, testModel(), tc.text, tc.entity)
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %#v, %v; want %#v", tc.text, got, err, tc.want)
		}
	}
	for _, text := range []string{`related(7)`, `display([1])`, `page(spec)`} {
		if got, err := run(t, testModel(), text, map[string]any{"spec": map[string]any{}}); err == nil {
			t.Errorf("%s gave %v", text, got)
		}
	}
	if _, err := run(t, testModel(), `related("ownedBy")`, map[string]any{"relations": "x"}); err == nil {
		t.Error("relations that are a text gave no error")
	}
}

func TestFunctionExamples(t *testing.T) {
	m := testModel()
	for _, f := range m.functions() {
		if f.Doc == "" || len(f.Examples) == 0 {
			t.Errorf("%s has no doc or no example", f.Name)
		}
		for _, e := range f.Examples {
			if got, err := run(t, m, e.Expr, e.Record); err != nil || !reflect.DeepEqual(got, e.Result) {
				t.Errorf("%s: %#v, %v; want %#v", e.Expr, got, err, e.Result)
			}
		}
	}
}

func TestNames(t *testing.T) {
	language, errs := expression.New(testModel().Language(), nil, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for text, good := range map[string]bool{
		`metadata.annotations["a.b/c"]`: true,
		`metadata.labels.anything`:      true,
		`metadata.links[0].url`:         true,
		`spec.whatever.deep`:            true,
		`spec.profile.email`:            true,
		`relations[0].targetRef`:        true,
		`status.items[0].level`:         true,
		`apiVersion`:                    true,
		`metadata.nmae`:                 false,
		`map(metadata.links, .href)`:    false,
		`map(relations, .target)`:       false,
		`owner`:                         false,
	} {
		if _, wrong := language.Compile(text, expression.WantAny); (wrong == nil) != good {
			t.Errorf("%s: %v", text, wrong)
		}
	}
}

func TestPhases(t *testing.T) {
	kinds := func(pairs ...any) *Config {
		c := &Config{}
		for i := 0; i < len(pairs); i += 2 {
			c.Kinds = append(c.Kinds, kindEntry(pairs[i].(string), pairs[i+1].(bool)))
		}
		return c
	}
	for name, tc := range map[string]struct {
		cfg  *Config
		want string
	}{
		"all by default": {kinds(),
			"User Group / Domain System / Component API Resource Location Template"},
		"in any case": {kinds("component", true, "API", true, "group", true, "USER", true),
			"User Group /  / Component API"},
		"custom": {kinds("User", true, "Group", true, "AiResource", true, "Tool", false),
			"User Group /  / AiResource"},
		"people are read when they are off": {kinds("User", false, "System", true, "Domain", false),
			"User- Group- / System / "},
	} {
		var parts []string
		for i, p := range tc.cfg.phases() {
			if p.Identities != (i == 0) {
				t.Errorf("%s: phase %s", name, p.Name)
			}
			var names []string
			for _, k := range p.Kinds {
				if k.Off {
					k.Name += "-"
				}
				names = append(names, k.Name)
			}
			parts = append(parts, strings.Join(names, " "))
		}
		if got := strings.Join(parts, " / "); got != tc.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
