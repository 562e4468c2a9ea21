package glean_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

func TestConfigSpec(t *testing.T) {
	if err := config.CheckSpec(glean.Spec().Config()); err != nil {
		t.Error(err)
	}
	for _, s := range glean.Spec().Streams(gleantest.Settings()) {
		for _, f := range s.Fields {
			if f.Doc == "" {
				t.Errorf("%s.%s has no doc", s.Name, f.Name)
			}
		}
	}
}

// TestAddresses: what check accepts as an address, the connection takes
// (invariant 9), and nothing else.
func TestAddresses(t *testing.T) {
	for _, address := range []string{
		"https://acme-be.glean.com", "https://acme-be.glean.com/", "http://127.0.0.1:8080", "https://proxy.example/glean",
		"https://[::1]:1/",
		"", "acme", "https://", "https:///x", "https://a b", "https://u@x", "https://u:p@x", "https://x?a", "https://x?",
		"https://x#a", "https://x/a/../b", "https://x//a", "ftp://x", " https://x", "https://x:y",
	} {
		c := gleantest.Settings()
		c.ServerURL = address
		accepted := true
		c.Validate(func(field, _, message, hint string) {
			accepted = false
			if strings.Contains(message+hint, "u:p") {
				t.Errorf("%s: %s shows it", address, field)
			}
		})
		c.Datasource = gleantest.Catalog()
		k, err := glean.Spec().Open(c, component.Settings{})
		if address != "" && accepted != (err == nil) {
			t.Errorf("%q: accepted %v, %v", address, accepted, err)
		}
		if err == nil {
			k.Close()
		}
	}
}

// TestNotReady: without an address or a token a sink can be opened and refuses
// to be asked.
func TestNotReady(t *testing.T) {
	c := gleantest.Settings()
	if len(glean.Spec().Missing(c)) == 0 {
		t.Error("ready without an address")
	}
	k, err := glean.Spec().Open(c, component.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := k.Open(t.Context(), component.Opening{Written: func(string) bool { return true }, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Holds(t.Context()); err == nil || fault.RemedyOf(err) == "" {
		t.Errorf("%v", err)
	}
	if err := s.Publish(t.Context(), &component.Plan{}); err == nil {
		t.Error("published nowhere")
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	c.ServerURL, c.Datasource.URLRegex = "https://acme-be.glean.com", ""
	if _, err := glean.Spec().Open(c, component.Settings{}); err == nil ||
		!strings.Contains(err.Error(), "urlRegex is missing") {
		t.Errorf("%v", err)
	}
}

// problems is a component.Builder that collects reported problems.
type problems struct {
	component.Builder
	got, warned []string
}

func (p *problems) Problem(_ *config.Node, _, message, _ string) { p.got = append(p.got, message) }

func (p *problems) Warn(_ *config.Node, code, _, _ string) { p.warned = append(p.warned, code) }

func TestCheckMappings(t *testing.T) {
	objectType := func(values ...string) component.FieldFacts {
		f := component.FieldFacts{Name: "objectType"}
		for i, v := range values {
			if f.Values == nil {
				f.Values = map[string]string{}
			}
			f.Values[fmt.Sprint(i)] = v
		}
		return f
	}
	custom := func(names ...string) component.FieldFacts {
		f := component.FieldFacts{Name: "customProperties"}
		for _, n := range names {
			f.Properties = append(f.Properties, component.FieldFacts{Name: n})
		}
		return f
	}
	view, title, body := component.FieldFacts{Name: "viewURL"}, component.FieldFacts{Name: "title"},
		component.FieldFacts{Name: "body"}
	every := custom("type", "stars", "langs", "since")
	for name, tc := range map[string]struct {
		fields []component.FieldFacts
		want   string
	}{
		"no title": {[]component.FieldFacts{body, view, objectType("component"), every}, "missing-title"},
		"no text":  {[]component.FieldFacts{title, view, objectType("component"), every}, "missing-text"},
		"good":     {[]component.FieldFacts{title, body, view, objectType("component"), every}, ""},
		"properties never set": {[]component.FieldFacts{title, body, view, objectType("component"),
			custom("type", "langs")}, "unset-property; unset-property"},
		"type is not known": {[]component.FieldFacts{title, body, view, objectType(), custom("type")}, ""},
		"no viewURL": {[]component.FieldFacts{title, body, objectType("component"), every}, "documents need " +
			"viewURL"},
		"undeclared type": {[]component.FieldFacts{title, body, view, objectType("component", "api"), every},
			`objectType "api" is not under datasource.objectDefinitions`},
	} {
		var p problems
		glean.Spec().CheckMappings(gleantest.Settings(), []component.MappingFacts{{Stream: "documents", Fields: tc.fields}},
			&p)
		if got := strings.Join(append(p.got, p.warned...), "; "); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// TestLoopback: with --sandbox no other machine is reached.
func TestLoopback(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) {
		c.ServerURL, c.InsecureHTTP = "http://192.0.2.1", true
	})
	if _, err := f.API.Live(t.Context()); err == nil || !strings.Contains(err.Error(),
		"not an address of this machine") {
		t.Error(err)
	}
}
