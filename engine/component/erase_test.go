package component

import (
	"context"
	"testing"
)

// TestAny: an erased spec passes the configuration on with its type, and nil functions stay
// nil.
func TestAny(t *testing.T) {
	type config struct{ name string }
	sink := SinkSpec[*config]{
		Config:    func() *config { return &config{name: "x"} },
		Streams:   func(c *config) []Stream { return []Stream{{Name: c.name}} },
		PlaceName: func(c *config) string { return c.name },
		Adopt:     func(c *config, uiURL string) { c.name = uiURL },
		Open:      func(c *config, _ Settings) (Sink, error) { return nil, nil },
		Sandbox: func(_ context.Context, c *config, o SandboxOptions) (*Sandbox, error) {
			return &Sandbox{UIURL: c.name + o.UIURL}, nil
		},
	}.Any()
	cfg := sink.Config()
	if got := sink.Streams(cfg); got[0].Name != "x" {
		t.Errorf("%+v", got)
	}
	sink.Adopt(cfg, "y")
	if got := sink.PlaceName(cfg); got != "y" {
		t.Error(got)
	}
	if box, err := sink.Sandbox(t.Context(), cfg, SandboxOptions{UIURL: "z"}); err != nil || box.UIURL != "yz" {
		t.Errorf("%+v, %v", box, err)
	}
	if sink.CheckMappings != nil || sink.Missing != nil {
		t.Error("a function that the spec leaves out is there")
	}
	source := SourceSpec[*config]{Config: func() *config { return nil }}.Any()
	if source.Sandbox != nil || source.Model != nil {
		t.Error("a function that the spec leaves out is there")
	}
}
