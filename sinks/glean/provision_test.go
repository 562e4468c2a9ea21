package glean

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestProvision: a datasource is made, agrees afterwards, and is brought back
// when it differs, with what the file does not mention kept.
func TestProvision(t *testing.T) {
	f := start(t, sandbox.Rules{EchoCustomNames: true})
	f.cfg.Datasource.Name = "fresh"
	f.schema.name = "fresh"
	plan, err := f.PlanProvision(t.Context())
	if err != nil || len(plan) < 3 || !strings.Contains(plan[0], "make the datasource fresh") {
		t.Fatalf("%q, %v", plan, err)
	}
	if err := f.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if plan, err := f.PlanProvision(t.Context()); err != nil || len(plan) != 0 {
		t.Fatalf("%q, %v", plan, err)
	}
	suggestion := f.cfg.Datasource
	suggestion.SuggestionText = "only in Glean"
	f.cfg.Datasource = suggestion
	if err := f.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.cfg.Datasource.SuggestionText = ""
	f.cfg.Datasource.URLRegex = "https://elsewhere/.*"
	plan, err = f.PlanProvision(t.Context())
	if err != nil || len(plan) != 1 || !strings.Contains(plan[0], "urlRegex") {
		t.Fatalf("%q, %v", plan, err)
	}
	if err := f.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	live, err := f.live(t.Context())
	if err != nil || live.SuggestionText != "only in Glean" || live.URLRegex != "https://elsewhere/.*" {
		t.Errorf("%+v, %v", live, err)
	}
}
