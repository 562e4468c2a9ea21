package glean

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

func (f *fixture) planned(o component.ProvisionOptions) *component.ProvisionPlan {
	f.t.Helper()
	plan, err := f.PlanProvision(f.t.Context(), o)
	if err != nil {
		f.t.Fatal(err)
	}
	return plan
}

func (f *fixture) apply(o component.ProvisionOptions) {
	f.t.Helper()
	if err := f.planned(o).Apply(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// TestProvision: a datasource is made, agrees afterwards, and is brought back
// when it differs, with what the file does not mention kept.
func TestProvision(t *testing.T) {
	f := start(t, sandbox.Rules{EchoCustomNames: true, EchoDefaults: true})
	f.cfg.Datasource.Name, f.client.Datasource, f.api.Datasource = "fresh", "fresh", "fresh"
	if plan := f.planned(component.ProvisionOptions{}); !plan.New || plan.Empty() || len(plan.Kept) > 0 {
		t.Fatalf("%+v", plan)
	}
	f.apply(component.ProvisionOptions{})
	if plan := f.planned(component.ProvisionOptions{}); plan.New || !plan.Empty() || len(plan.Kept) > 0 {
		t.Fatalf("%+v", plan)
	}
	f.cfg.Datasource.SuggestionText = "only in Glean"
	f.apply(component.ProvisionOptions{})
	f.cfg.Datasource.SuggestionText = ""
	f.cfg.Datasource.URLRegex = "https://elsewhere/.*"
	if plan := f.planned(component.ProvisionOptions{}); len(plan.Changes) != 1 ||
		plan.Changes[0].Path[0] != "urlRegex" || len(plan.Kept) != 1 {
		t.Fatalf("%+v", plan)
	}
	f.apply(component.ProvisionOptions{})
	live, err := f.api.Live(t.Context())
	if err != nil || live.SuggestionText != "only in Glean" || live.URLRegex != "https://elsewhere/.*" {
		t.Errorf("%+v, %v", live, err)
	}
	cleared := component.ProvisionOptions{Cleared: func(path ...string) bool {
		return reflect.DeepEqual(path,
			[]string{"datasource", "suggestionText"})
	}}
	f.apply(cleared)
	if live, err := f.api.Live(t.Context()); err != nil || live.SuggestionText != "" {
		t.Errorf("%+v, %v", live, err)
	}
}

// TestProvisionMeanwhile: what somebody changes after a plan is kept, and when
// the plan is no longer what would be done, it is not done.
func TestProvisionMeanwhile(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.cfg.Datasource.SuggestionText = "planned first"
	plan, replacing := f.planned(component.ProvisionOptions{}), f.planned(component.ProvisionOptions{Replace: true})
	change := func(adjust func(*api.DatasourceConfig)) {
		t.Helper()
		live, err := f.api.Live(t.Context())
		adjust(&live)
		if err == nil {
			err = f.api.Send(t.Context(), api.PathAddDatasource, live)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change(func(c *api.DatasourceConfig) { c.RedlistTitleRegex = "draft" })
	if err := replacing.Apply(t.Context()); err == nil || !strings.Contains(err.Error(),
		"changed by somebody else since") {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if live, err := f.api.Live(t.Context()); err != nil || live.RedlistTitleRegex != "draft" ||
		live.SuggestionText != "planned first" {
		t.Errorf("%+v, %v", live, err)
	}
	f.cfg.Datasource.SuggestionText = "planned again"
	plan = f.planned(component.ProvisionOptions{})
	change(func(c *api.DatasourceConfig) { c.SuggestionText = "of somebody else" })
	if err := plan.Apply(t.Context()); err == nil || !strings.Contains(err.Error(), "changed by somebody else since") {
		t.Fatal(err)
	}
}

// TestProvisionVerifies: that Glean took a config is not taken for granted.
func TestProvisionVerifies(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.cfg.Datasource.SuggestionText = "new"
	f.server.Fail(faults.Fault{Path: "adddatasource", Status: http.StatusOK})
	err := f.planned(component.ProvisionOptions{}).Apply(t.Context())
	if err == nil || !strings.Contains(err.Error(), `has it otherwise: suggestionText is nothing and was sent as "new"`) {
		t.Error(err)
	}
}

// TestProvisionInRun: nothing is set up before the run publishes.
func TestProvisionInRun(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.cfg.Datasource.Name, f.client.Datasource, f.api.Datasource = "fresh", "fresh", "fresh"
	f.ProvisionInRun(component.ProvisionOptions{})
	s, err := f.Open(t.Context(), component.Opening{Pipeline: "pipe", RunID: "run",
		Written: func(string) bool { return true }})
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
	plan := &component.Plan{Stop: f.stop, Note: f.Note, Sent: func(string, int) {}}
	if err := s.Publish(t.Context(), plan); err != nil || f.server.Index("fresh").Config.Name != "fresh" ||
		!f.noted("the datasource fresh was made") {
		t.Errorf("%v, %q", err, f.notes)
	}
}
