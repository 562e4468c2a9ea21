package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
)

// inbox is a source that uses the model of another one.
type inbox struct {
	Model *config.Node `yaml:"model" required:"true" doc:"The model."`
}

// catalogModel are the settings of the model catalog.
type catalogModel struct {
	UIURL string `yaml:"ui_url" required:"true" doc:"Its pages."`
}

// inboxModel is the model catalog with an address of its pages.
type inboxModel struct {
	pipelinetest.Model
	ui string
}

func (m inboxModel) UIURL() string { return m.ui }

func (inboxModel) UIPlaceholder() map[string]string {
	return map[string]string{"ui_url": "https://placeholder.example.com"}
}

// inboxRegistry records the settings that the source inbox is opened with.
func inboxRegistry(got *component.Settings) component.Registry {
	r := (&pipelinetest.Kit{}).Registry()
	r.Sources = append(r.Sources, component.SourceSpec[*inbox]{
		Name: "inbox", Summary: "an inbox", ModelKey: "model",
		Config: func() *inbox { return &inbox{} },
		Open: func(_ *inbox, s component.Settings) (component.Source, error) {
			*got = s
			return nil, errors.New("opened")
		},
		OpenRecords: func(_ context.Context, _ *inbox, s component.Settings) (component.RecordStore, error) {
			*got = s
			return nil, errors.New("opened for records")
		},
	}.Any())
	r.Models = []component.ModelSpec[any]{component.ModelSpec[*catalogModel]{
		Name: "catalog", Summary: "entities",
		Config: func() *catalogModel { return &catalogModel{} },
		Model:  func(c *catalogModel) component.Model { return inboxModel{ui: c.UIURL} },
	}.Any()}
	return r
}

func inboxFile(source string) string {
	return strings.Replace(file, "  catalog:\n    url: ${CATALOG_URL}\n", "  inbox:\n"+source, 1)
}

// TestModelOfAnotherSource: the source gets the model that its block names, and the model's
// settings are checked where they are.
func TestModelOfAnotherSource(t *testing.T) {
	var got component.Settings
	d := pipelinetest.Parse(inboxFile("    model: {catalog: {ui_url: \"${CATALOG_URL}/ui\"}}\n"), inboxRegistry(&got))
	if d.Problems.HasErrors() {
		t.Fatal(d.Problems)
	}
	if m, ok := d.Model.(inboxModel); !ok || m.ui != "https://catalog.example.com/ui" {
		t.Errorf("the model: %#v", d.Model)
	}
	if d.ModelPath() != "source.inbox.model.catalog." || d.ModelCfg.(*catalogModel).UIURL == "" {
		t.Errorf("the settings of the model: %s %+v", d.ModelPath(), d.ModelCfg)
	}
	if _, err := d.OpenSource(component.Settings{}); err == nil || got.Model != d.Model ||
		!strings.Contains(err.Error(), "source.inbox: opened") {
		t.Errorf("open: %v with the model %#v", err, got.Model)
	}
	got = component.Settings{}
	_, err := d.OpenRecords(t.Context(), component.Settings{})
	if err == nil || !strings.Contains(err.Error(), "source.inbox: opened for records") || got.Model != d.Model {
		t.Errorf("open the records: %v with the model %#v", err, got.Model)
	}

	other := pipelinetest.Parse(file, inboxRegistry(&got))
	if _, err := other.OpenRecords(t.Context(), component.Settings{}); err == nil || other.TakesRecords() ||
		!strings.Contains(err.Error(), "cannot be pushed to the source catalog") {
		t.Errorf("open the records of another source: %v", err)
	}
}

func TestModelProblems(t *testing.T) {
	for source, want := range map[string]string{
		"    model:\n":                        "required: \"model\" is required",
		"    model: catalog\n":                "5:12: component: the model has no settings",
		"    model: {catalgo: {ui_url: x}}\n": "5:13: component: there is no model \"catalgo\"",
		"    model: {catalog: {ui: x}}\n":     "5:23: unknown-key: unknown key \"ui\"",
		"    model: {catalog: {}}\n":          "required: \"ui_url\" is required",
		"    model: {}\n":                     "model does not name a component",
	} {
		d := pipelinetest.Parse(inboxFile(source), inboxRegistry(new(component.Settings)))
		if !d.Problems.HasErrors() || !strings.Contains(d.Problems.Errors().Error(), want) {
			t.Errorf("%s: %v, want %s", source, d.Problems, want)
		}
		if _, err := d.OpenRecords(t.Context(), component.Settings{}); !errors.As(err, new(config.Problems)) {
			t.Errorf("%s: the records were opened: %v", source, err)
		}
	}
}

// TestModelPlaceholder: the placeholder of the model's address is below the model's settings.
func TestModelPlaceholder(t *testing.T) {
	o := pipeline.Options{Registry: inboxRegistry(new(component.Settings)), Variables: pipelinetest.Variables()}
	o.Variables.Lenient = true
	text := inboxFile("    model: {catalog: {ui_url: \"${MISSING}\"}}\n")
	o.Settings = pipeline.Parse("p.yaml", []byte(text), o).UIPlaceholder()
	d := pipeline.Parse("p.yaml", []byte(text), o)
	if m, ok := d.Model.(inboxModel); !ok || m.ui != "https://placeholder.example.com" {
		t.Errorf("%#v, %v", d.Model, d.Problems)
	}
}

// TestModelInTheSchema: the description of the source has the settings of each model.
func TestModelInTheSchema(t *testing.T) {
	source, _ := pipeline.Describe(inboxRegistry(new(component.Settings))).Field("source")
	in, _ := source.Field("inbox")
	model, _ := in.Field("model")
	catalog, _ := model.Field("catalog")
	ui, ok := catalog.Field("ui_url")
	if !ok || ui.Path != "source.inbox.model.catalog.ui_url" || !model.Required || len(model.Choice) != 1 {
		t.Errorf("%+v", model)
	}
}
