package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/plugins/proto"
)

func titled(title string) string {
	return `{"kind":"API","ref":"api:default/a","metadata":{"title":"` + title + `","name":"a"},"spec":{"size":1.50,"secret":"x"}}`
}

func TestPlugin(t *testing.T) {
	Test(t, sample(), []Case{
		{Name: "changed", Record: titled("A"), Want: titled("A!")},
		{Name: "configured", Config: `{"suffix":"-","times":2}`, Record: titled("A"), Want: titled("A--")},
		{Name: "defaults are back", Record: titled("A"), Want: titled("A!")},
		{Name: "unchanged", Record: `{"kind":"API","ref":"api:default/a"}`},
		{Name: "dropped", Record: titled("drop"), Dropped: "told to"},
		{Name: "failed", Record: titled("fail"), Error: "told to"},
		{Name: "panicked", Record: titled("panic"), Error: "panic: the sample was told to\ngoroutine"},
		{Name: "not its own", Record: titled("elsewhere"),
			Error: "the plugin changes metadata.name, which its Writes does not name"},
		{Name: "deleted, and an object made", Record: titled("delete"),
			Want: `{"kind":"API","ref":"api:default/a","metadata":{"name":"a"},"spec":{"size":1.50,"secret":"x","note":{"a":1}}}`},
		{Name: "unknown key", Config: `{"sufix":"-"}`, Record: titled("A"), ConfigError: `unknown field "sufix"`},
		{Name: "wrong type", Config: `{"times":"2"}`, Record: titled("A"), ConfigError: "times: string where int is expected"},
		{Name: "refused", Config: `{"suffix":"refuse"}`, Record: titled("A"), ConfigError: "no such suffix"},
	})
}

func TestDescribe(t *testing.T) {
	client := served(t, sample())
	got, err := client.Describe(context.Background(), &proto.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var schema, want any
	if err := json.Unmarshal(got.GetConfigSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(`{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
		"properties": {
			"suffix": {"type": "string", "description": "what is put after the title", "default": "!"},
			"times": {"type": "integer", "minimum": 1, "maximum": 3, "default": 1},
			"token": {"type": "string", "writeOnly": true},
			"mode": {"type": "string", "enum": ["loud", "quiet"]},
			"skip": {"type": "array", "items": {"type": "string"}}}}`), &want)
	if !reflect.DeepEqual(schema, want) {
		t.Errorf("schema %s", got.GetConfigSchema())
	}
	if got.GetName() != "sample" || got.GetVersion() != "1.2.3" || len(got.GetNeeds()) != 2 || len(got.GetWrites()) != 2 {
		t.Errorf("described as %v", got)
	}
	if example := string(got.GetExample()); !strings.HasPrefix(example, `{"config":{"suffix": "?"}`) && !strings.Contains(example, `"record":{`) {
		t.Errorf("example %s", example)
	}
}

func TestTransformNeedsConfig(t *testing.T) {
	client := served(t, sample())
	_, err := client.Transform(context.Background(), &proto.TransformRequest{Records: [][]byte{[]byte(titled("A"))}})
	if err == nil || !strings.Contains(err.Error(), "before a config was accepted") {
		t.Errorf("error %v", err)
	}
}

func TestValidate(t *testing.T) {
	transform := func(context.Context, *Record) error { return nil }
	good := Plugin{Name: "a", Version: "1", Transform: transform}
	for want, spoil := range map[string]func(*Plugin){
		`the Name "A b" is refused`:        func(p *Plugin) { p.Name = "A b" },
		"the Version is missing":           func(p *Plugin) { p.Version = "" },
		"no function Transform":            func(p *Plugin) { p.Transform = nil },
		`"a..b" is not a path`:             func(p *Plugin) { p.Needs = []string{"a..b"} },
		"the Writes have ref":              func(p *Plugin) { p.Writes = []string{"ref"} },
		"the Config is a sdk.sampleConfig": func(p *Plugin) { p.Config = sampleConfig{} },
		"Config.C has the type chan int": func(p *Plugin) {
			p.Config = &struct {
				C chan int `json:"c"`
			}{}
		},
		"Config.C has no name": func(p *Plugin) { p.Config = &struct{ C int }{} },
		`maximum and enum, not "min"`: func(p *Plugin) {
			p.Config = &struct {
				C int `json:"c" schema:"min=1"`
			}{}
		},
		"the Example's Record: it is not a JSON": func(p *Plugin) { p.Example.Record = "[]" },
	} {
		p := good
		spoil(&p)
		if err := p.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := good.validate(); err != nil {
		t.Error(err)
	}
}

func TestChangesAreOutermost(t *testing.T) {
	r := &Record{raw: []byte(`{"spec":{"a":{"b":1},"c":"text"}}`), writes: []string{"spec"}}
	r.Set("spec.a.b", 2)
	r.Set("spec.a", map[string]any{"z": "<"})
	r.Set("spec.a.y", true)
	r.Delete("spec.gone")
	got, err := r.changes()
	if err != nil || string(got) != `{"spec":{"a":{"y":true,"z":"<"}}}` || !reflect.DeepEqual(r.changed, []string{"spec.a"}) {
		t.Errorf("%s, %v, %v", got, r.changed, err)
	}
	r.Set("spec.c.d", 1)
	if r.err == nil || !strings.Contains(r.err.Error(), "spec.c is not an object here") {
		t.Errorf("error %v", r.err)
	}
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	r := &Record{raw: []byte(titled("A"))}
	Logger(withLogger(context.Background(), newLogger(&out), r)).Error("broken", "line", 3, slog.Group("g", "level", "x"))
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["@level"] != "error" || got["@message"] != "broken" || got["ref"] != "api:default/a" || got["line"] != 3.0 ||
		got["@timestamp"] == nil {
		t.Errorf("line %s", out.Bytes())
	}
	Logger(context.Background()).Error("goes nowhere")
}

func TestDropUnwraps(t *testing.T) {
	var d dropped
	if !errors.As(Drop(""), &d) || d != "dropped" {
		t.Errorf("drop %q", d)
	}
}

// TestImports: an author's module gets neither the engine nor its libraries.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for _, banned := range []string{"github.com/pipe-engine/pipe/engine", "gopkg.in/yaml", "github.com/urfave/cli",
		"github.com/sourcegraph/conc", "github.com/expr-lang"} {
		if strings.Contains(string(out), "\n"+banned) {
			t.Errorf("the SDK depends on %s", banned)
		}
	}
}
