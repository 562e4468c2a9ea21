package glean_test

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestProvisionInRun: nothing is set up before the run publishes.
func TestProvisionInRun(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Datasource.Name = "fresh" })
	f.Sink.ProvisionInRun(component.ProvisionOptions{})
	s, err := f.Sink.Open(t.Context(), component.Opening{Pipeline: "pipe", RunID: "run",
		Written: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	h, err := s.Holds(t.Context())
	if err != nil || len(h.Streams) != 4 || f.Server.Index("fresh").Config.Name != "" {
		t.Fatalf("%+v, %v", h, err)
	}
	plan := &component.Plan{Stop: f.Stop, Note: f.Note, Sent: func(string, int) {}}
	if err := s.Publish(t.Context(), plan); err != nil || f.Server.Index("fresh").Config.Name != "fresh" ||
		!f.Noted("the datasource fresh was created") {
		t.Errorf("%v, %q", err, f.Notes)
	}
}
