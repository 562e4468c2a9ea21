package pipeline_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
)

// held is a transform with all optional capabilities.
type held struct {
	s      component.TransformSettings
	closed *int
}

func (h held) Name() string { return h.s.Name }

func (h held) Apply(_ context.Context, _ *component.Worker, r []*component.Record) ([]component.Outcome, error) {
	return make([]component.Outcome, len(r)), nil
}

func (h held) Close() error { *h.closed++; return nil }

func (h held) Probe(context.Context) config.Problems {
	return config.Problems{{Pos: h.s.Node.Pos(), Code: "held", Message: strings.Join(h.s.AccessReads(), " ")}}
}

// TestHeld: a transform with `when` is probed and closed, and knows the paths that permissions
// read, also through a define.
func TestHeld(t *testing.T) {
	k := &pipelinetest.Kit{}
	r := k.Registry()
	closed := 0
	r.Transforms = []component.TransformSpec[any]{{
		Key: "hold", Summary: "holds", Config: func() any { return &pipelinetest.Note{} },
		New: func(_ any, s component.TransformSettings) component.Transform { return held{s, &closed} },
	}}
	text := strings.Replace(file, "permissions:\n",
		"define:\n  team: metadata.title\npermissions:\n  owners: list(team)\n", 1) +
		"transforms:\n  - name: one\n    when: kind == \"API\"\n    hold: {text: x}\n"
	d := pipelinetest.Parse(text, r)
	if d.Problems.HasErrors() {
		t.Fatal(d.Problems)
	}
	_, done, err := d.Open(component.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	done()
	if closed != 1 {
		t.Errorf("closed %d times", closed)
	}
	d.Probe(t.Context())
	found := slices.ContainsFunc(d.Problems, func(p config.Problem) bool {
		return p.Code == "held" && p.Message == "metadata.title" && p.Line > 0
	})
	if !found {
		t.Errorf("%v", d.Problems)
	}
	n := len(d.Problems)
	if d.Probe(t.Context()); len(d.Problems) != n {
		t.Error("a file with errors was probed")
	}
}
