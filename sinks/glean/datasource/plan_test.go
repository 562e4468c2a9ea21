package datasource_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// fresh names a datasource that the server does not have.
func fresh(c *settings.Config) { c.Datasource.Name = "fresh" }

func planned(f *gleantest.Fixture, o component.ProvisionOptions) *component.ProvisionPlan {
	f.T.Helper()
	plan, err := f.Sink.PlanProvision(f.T.Context(), o)
	if err != nil {
		f.T.Fatal(err)
	}
	return plan
}

func apply(f *gleantest.Fixture, o component.ProvisionOptions) {
	f.T.Helper()
	if err := planned(f, o).Apply(f.T.Context()); err != nil {
		f.T.Fatal(err)
	}
}

// TestProvision: a datasource is created, agrees afterwards, and is corrected when it
// differs; settings that the file does not mention are kept.
func TestProvision(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{EchoCustomNames: true, EchoDefaults: true}, fresh)
	if plan := planned(f, component.ProvisionOptions{}); !plan.New || plan.Empty() || len(plan.Kept) > 0 {
		t.Fatalf("%+v", plan)
	}
	apply(f, component.ProvisionOptions{})
	if plan := planned(f, component.ProvisionOptions{}); plan.New || !plan.Empty() || len(plan.Kept) > 0 {
		t.Fatalf("%+v", plan)
	}
	f.Config.Datasource.SuggestionText = "only in Glean"
	apply(f, component.ProvisionOptions{})
	f.Config.Datasource.SuggestionText = ""
	f.Config.Datasource.URLRegex = "https://elsewhere/.*"
	if plan := planned(f, component.ProvisionOptions{}); len(plan.Changes) != 1 ||
		plan.Changes[0].Path[0] != "urlRegex" || len(plan.Kept) != 1 {
		t.Fatalf("%+v", plan)
	}
	apply(f, component.ProvisionOptions{})
	live, err := f.API.Live(t.Context())
	if err != nil || live.SuggestionText != "only in Glean" || live.URLRegex != "https://elsewhere/.*" {
		t.Errorf("%+v, %v", live, err)
	}
	cleared := component.ProvisionOptions{Cleared: func(path ...string) bool {
		return reflect.DeepEqual(path,
			[]string{"datasource", "suggestionText"})
	}}
	apply(f, cleared)
	if live, err := f.API.Live(t.Context()); err != nil || live.SuggestionText != "" {
		t.Errorf("%+v, %v", live, err)
	}
}

// TestProvisionMeanwhile: changes by others after a plan are kept, and an outdated plan is
// not applied.
func TestProvisionMeanwhile(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Config.Datasource.SuggestionText = "planned first"
	plan, replacing := planned(f, component.ProvisionOptions{}), planned(f, component.ProvisionOptions{Replace: true})
	change := func(adjust func(*api.DatasourceConfig)) {
		t.Helper()
		live, err := f.API.Live(t.Context())
		adjust(&live)
		if err == nil {
			err = f.API.Send(t.Context(), api.PathAddDatasource, live)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change(func(c *api.DatasourceConfig) { c.RedlistTitleRegex = "draft" })
	if err := replacing.Apply(t.Context()); err == nil || !strings.Contains(err.Error(),
		"changed after the plan was made") {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if live, err := f.API.Live(t.Context()); err != nil || live.RedlistTitleRegex != "draft" ||
		live.SuggestionText != "planned first" {
		t.Errorf("%+v, %v", live, err)
	}
	f.Config.Datasource.SuggestionText = "planned again"
	plan = planned(f, component.ProvisionOptions{})
	change(func(c *api.DatasourceConfig) { c.SuggestionText = "of somebody else" })
	if err := plan.Apply(t.Context()); err == nil || !strings.Contains(err.Error(), "changed after the plan was "+
		"made") {
		t.Fatal(err)
	}
}

// TestProvisionVerifies: that Glean took a config is not taken for granted.
func TestProvisionVerifies(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Config.Datasource.SuggestionText = "new"
	f.Server.Fail(faults.Fault{Path: "adddatasource", Status: http.StatusOK})
	err := planned(f, component.ProvisionOptions{}).Apply(t.Context())
	if err == nil || !strings.Contains(err.Error(), `has other values: suggestionText is nothing and was sent as `+
		`"new"`) {
		t.Error(err)
	}
}
