package glean

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

func (f *fixture) planned(o engine.ProvisionOptions) *engine.ProvisionPlan {
	f.t.Helper()
	plan, err := f.PlanProvision(f.t.Context(), o)
	if err != nil {
		f.t.Fatal(err)
	}
	return plan
}

func (f *fixture) apply(o engine.ProvisionOptions) {
	f.t.Helper()
	if err := f.planned(o).Apply(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// TestProvision: a datasource is made, agrees afterwards, and is brought back
// when it differs, with what the file does not mention kept.
func TestProvision(t *testing.T) {
	f := start(t, sandbox.Rules{EchoCustomNames: true, EchoDefaults: true})
	f.cfg.Datasource.Name, f.schema.name = "fresh", "fresh"
	if plan := f.planned(engine.ProvisionOptions{}); !plan.New || plan.Empty() || len(plan.Kept) > 0 {
		t.Fatalf("%+v", plan)
	}
	f.apply(engine.ProvisionOptions{})
	if plan := f.planned(engine.ProvisionOptions{}); plan.New || !plan.Empty() || len(plan.Kept) > 0 {
		t.Fatalf("%+v", plan)
	}
	f.cfg.Datasource.SuggestionText = "only in Glean"
	f.apply(engine.ProvisionOptions{})
	f.cfg.Datasource.SuggestionText = ""
	f.cfg.Datasource.URLRegex = "https://elsewhere/.*"
	if plan := f.planned(engine.ProvisionOptions{}); len(plan.Changes) != 1 || plan.Changes[0].Path[0] != "urlRegex" || len(plan.Kept) != 1 {
		t.Fatalf("%+v", plan)
	}
	f.apply(engine.ProvisionOptions{})
	live, err := f.live(t.Context())
	if err != nil || live.SuggestionText != "only in Glean" || live.URLRegex != "https://elsewhere/.*" {
		t.Errorf("%+v, %v", live, err)
	}
	cleared := engine.ProvisionOptions{Cleared: func(path ...string) bool { return reflect.DeepEqual(path, []string{"datasource", "suggestionText"}) }}
	f.apply(cleared)
	if live, err := f.live(t.Context()); err != nil || live.SuggestionText != "" {
		t.Errorf("%+v, %v", live, err)
	}
}

// TestProvisionMeanwhile: a plan is not applied to a datasource that was
// changed after it.
func TestProvisionMeanwhile(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.cfg.Datasource.SuggestionText = "planned first"
	plan := f.planned(engine.ProvisionOptions{})
	f.cfg.Datasource.RedlistTitleRegex = "draft"
	f.apply(engine.ProvisionOptions{})
	if err := plan.Apply(t.Context()); err == nil || !strings.Contains(err.Error(), "changed by somebody else in the meantime") {
		t.Fatal(err)
	}
	if live, err := f.live(t.Context()); err != nil || live.RedlistTitleRegex != "draft" {
		t.Errorf("%+v, %v", live, err)
	}
}

// TestProvisionVerifies: that Glean took a config is not taken for granted.
func TestProvisionVerifies(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.cfg.Datasource.SuggestionText = "new"
	f.server.Fail(sandbox.Fault{Path: "adddatasource", Status: http.StatusOK})
	err := f.planned(engine.ProvisionOptions{}).Apply(t.Context())
	if err == nil || !strings.Contains(err.Error(), `has it otherwise: suggestionText is nothing and was sent as "new"`) {
		t.Error(err)
	}
}

// TestProvisionInRun: nothing is set up before the run publishes.
func TestProvisionInRun(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.cfg.Datasource.Name, f.schema.name = "fresh", "fresh"
	f.ProvisionInRun(engine.ProvisionOptions{})
	s, err := f.Open(t.Context(), engine.Opening{Pipeline: "pipe", RunID: "run", Written: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	h, err := s.Holds(t.Context())
	if err != nil || len(h.Streams) != 4 || f.server.Index("fresh").Config.Name != "" {
		t.Fatalf("%+v, %v", h, err)
	}
	plan := &engine.Plan{Stop: f.stop, Note: f.Note, Sent: func(string, int) {}}
	if err := s.Publish(t.Context(), plan); err != nil || f.server.Index("fresh").Config.Name != "fresh" || !f.noted("the datasource fresh was made") {
		t.Errorf("%v, %q", err, f.notes)
	}
}

func decodeJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	v, err := codec.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestCompare: what is a difference, and what is only said otherwise.
func TestCompare(t *testing.T) {
	for name, tc := range map[string]struct{ from, to, want string }{
		"nothing":                   {`{"name":"a"}`, `{"name":"a"}`, ""},
		"the name":                  {`{"name":"CUSTOM_A"}`, `{"name":"a"}`, ""},
		"the title of the name":     {`{"name":"CUSTOM_MY_CATALOG","displayName":"My Catalog"}`, `{"name":"my_catalog"}`, ""},
		"a title":                   {`{"displayName":"A"}`, `{"displayName":"B"}`, `~displayName "A" "B"`},
		"a boolean's default":       {`{"isOnPrem":false,"stripFragmentInCanonicalUrl":true}`, `{}`, ""},
		"the other default":         {`{}`, `{"isOnPrem":false,"trustUrlRegexForViewActivity":true}`, ""},
		"a default that is true":    {`{}`, `{"trustUrlRegexForViewActivity":false}`, `+trustUrlRegexForViewActivity  false`},
		"to a default that is true": {`{"trustUrlRegexForViewActivity":false}`, `{}`, `-trustUrlRegexForViewActivity false `},
		"a boolean":                 {`{"isOnPrem":false}`, `{"isOnPrem":true}`, `+isOnPrem  true`},
		"words in another order":    {`{"aliases":["b","a"]}`, `{"aliases":["a","b"]}`, ""},
		"words":                     {`{"aliases":["b","a"]}`, `{"aliases":["a"]}`, `~aliases ["a","b"] ["a"]`},
		"rules in another order":    {`{"canonicalizingURLRegex":[{"matchRegex":"a"},{"matchRegex":"b"}]}`, `{"canonicalizingURLRegex":[{"matchRegex":"b"},{"matchRegex":"a"}]}`, `~canonicalizingURLRegex [{"matchRegex":"a"},{"matchRegex":"b"}] [{"matchRegex":"b"},{"matchRegex":"a"}]`},
		"an empty list":             {`{"quicklinks":[],"aliases":[]}`, `{}`, ""},
		"types in another order":    {`{"objectDefinitions":[{"name":"a"},{"name":"b"}]}`, `{"objectDefinitions":[{"name":"b"},{"name":"a"}]}`, ""},
		"a type":                    {`{"objectDefinitions":[{"name":"a"}]}`, `{"objectDefinitions":[{"name":"a"},{"name":"b","propertyDefinitions":[{"name":"p","propertyType":"INT"}]}]}`, `+objectDefinitions/b  {} +objectDefinitions/b/propertyDefinitions/p  {"propertyType":"INT"}`},
		"a type less":               {`{"objectDefinitions":[{"name":"a","displayLabel":"A"}]}`, `{}`, `-objectDefinitions/a {"displayLabel":"A"} `},
		"the default type":          {`{"objectDefinitions":[{"displayLabel":"x"}]}`, `{"objectDefinitions":[{"displayLabel":"y"}]}`, `~objectDefinitions//displayLabel "x" "y"`},
		"a property's type":         {`{"objectDefinitions":[{"name":"a","propertyDefinitions":[{"name":"p"}]}]}`, `{"objectDefinitions":[{"name":"a","propertyDefinitions":[{"name":"p","propertyType":"TEXT"}]}]}`, ""},
		"another property's type":   {`{"objectDefinitions":[{"name":"a","propertyDefinitions":[{"name":"p"}]}]}`, `{"objectDefinitions":[{"name":"a","propertyDefinitions":[{"name":"p","propertyType":"INT"}]}]}`, `+objectDefinitions/a/propertyDefinitions/p/propertyType  "INT"`},
		"within an icon":            {`{"quicklinks":[{"name":"q","iconConfig":{"key":"a"}}]}`, `{"quicklinks":[{"name":"q","iconConfig":{"key":"b"}}]}`, `~quicklinks/q/iconConfig/key "a" "b"`},
		"what is not known":         {`{"future":{"x":1}}`, `{"future":{"x":2}}`, `~future/x 1 2`},
		"a list that is none":       {`{"quicklinks":"x"}`, `{"quicklinks":[{"name":"q"}]}`, `~quicklinks "x" [{"name":"q"}]`},
	} {
		var got []string
		for _, c := range compare(decodeJSON(t, tc.from), decodeJSON(t, tc.to)) {
			op := "~"
			if c.Before == "" {
				op = "+"
			} else if c.After == "" {
				op = "-"
			}
			got = append(got, op+strings.Join(c.Path, "/")+" "+c.Before+" "+c.After)
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, s, tc.want)
		}
	}
}

// TestOverlay: what Glean has and the file lacks stays, things by their names.
func TestOverlay(t *testing.T) {
	live := `{"name":"CUSTOM_A","future":1,"aliases":["x"],"quicklinks":[{"name":"q","id":"7","url":"u"},{"name":"old"}]}`
	file := `{"name":"a","quicklinks":[{"name":"new"},{"name":"q","url":"v"}]}`
	for name, tc := range map[string]struct {
		o    engine.ProvisionOptions
		want string
	}{
		"kept":    {engine.ProvisionOptions{}, `{"aliases":["x"],"future":1,"name":"a","quicklinks":[{"name":"new"},{"id":"7","name":"q","url":"v"},{"name":"old"}]}`},
		"cleared": {engine.ProvisionOptions{Cleared: func(p ...string) bool { return p[len(p)-1] == "aliases" || p[len(p)-1] == "id" && p[2] == "q" }}, `{"future":1,"name":"a","quicklinks":[{"name":"new"},{"name":"q","url":"v"},{"name":"old"}]}`},
		"replace": {engine.ProvisionOptions{Replace: true}, `{"name":"a","quicklinks":[{"name":"new"},{"id":"7","name":"q","url":"v"}]}`},
	} {
		b, err := codec.Marshal(overlay{tc.o}.config(decodeJSON(t, live), decodeJSON(t, file)))
		if err != nil || string(b) != tc.want {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}

func TestBlamed(t *testing.T) {
	config := decodeJSON(t, `{"name":"a","urlRegex":"https://x/.*","objectDefinitions":[{"name":"api","propertyDefinitions":[{"name":"type","propertyType":"INT"}]},{"name":"x_y"}],"quicklinks":[{"name":"Create a thing","url":"u"}]}`)
	for reason, want := range map[string]string{
		"urlRegex: is required":                                    "urlRegex",
		`objectDefinitions: name "x_y": cannot have spaces or _`:   "objectDefinitions/x_y",
		`objectDefinitions: api: type: propertyType: must be TEXT`: "objectDefinitions/api/propertyDefinitions/type/propertyType",
		`the quick link "Create a thing" is refused`:               "quicklinks/Create a thing",
		`Invalid datasource config`:                                "",
		`the objectDefinitions are too many`:                       "objectDefinitions",
	} {
		if got := strings.Join(blamed(reason, config), "/"); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
}

// TestExportKeepsWhatItCannotSay: a field of Glean's that a file cannot say is
// named.
func TestExportKeepsWhatItCannotSay(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.server.Fail(sandbox.Fault{Path: "getdatasourceconfig", Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: `{"name":"CUSTOM_BACKSTAGE","datasourceCategory":"CRM","future":{"x":1},"objectDefinitions":[{"name":"a","colour":"red"}]}`})
	e, err := f.ExportProvision(context.Background(), engine.ExportOptions{})
	if err != nil || len(e.Notes) != 1 || !strings.Contains(e.Notes[0], "future") || !strings.Contains(e.Notes[0], "objectDefinitions.a.colour") {
		t.Fatalf("%+v, %v", e, err)
	}
	if !strings.HasPrefix(string(e.Block), "datasource:\n  name: backstage\n") {
		t.Errorf("%s", e.Block)
	}
}

// TestCategories: the list for people is that of the file.
func TestCategories(t *testing.T) {
	field, _ := reflect.TypeFor[api.DatasourceConfig]().FieldByName("DatasourceCategory")
	known := map[string]bool{}
	for _, c := range strings.Split(field.Tag.Get("enum"), "|") {
		known[c] = true
	}
	for _, c := range Categories() {
		if !known[c.Name] || c.Doc == "" {
			t.Errorf("%+v", c)
		}
		delete(known, c.Name)
	}
	if len(known) > 0 {
		t.Errorf("not listed: %v", known)
	}
}
