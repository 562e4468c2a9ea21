package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
)

const file = `
version: 1
name: test
source:
  catalog:
    url: http://localhost
mapping:
  documents:
    fields:
      id: ref
permissions:
  default: none
sink:
  store:
    token: ${STORE_TOKEN}
transforms:
  - name: not hidden
    keep: metadata.title startsWith "a"
`

// TestKeep: dropped records are counted by name, undecidable ones are rejected, and both are
// left unchanged.
func TestKeep(t *testing.T) {
	d := pipelinetest.Parse(file, registry(&pipelinetest.Kit{}))
	p, done, err := d.Open(component.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	var records []*component.Record
	for _, title := range []any{"abc", "xyz", nil, []any{}} {
		records = append(records,
			pipelinetest.Record(map[string]any{"kind": "API", "metadata": map[string]any{"name": "x", "title": title}}))
	}
	out, err := p.Transforms[0].Apply(t.Context(), component.NewWorker(p.Language, nil), records)
	if err != nil || len(out) != 4 {
		t.Fatal(out, err)
	}
	if out[0] != (component.Outcome{}) {
		t.Errorf("kept: %+v", out[0])
	}
	if out[1].Dropped != "not hidden" || out[1].Err != nil {
		t.Errorf("dropped: %+v", out[1])
	}
	for i, reason := range map[int]string{2: "is missing here", 3: "is a list here"} {
		var r *fault.Rejection
		if !errors.As(out[i].Err, &r) || r.Stage != "transform" || r.Field != "not hidden" ||
			!strings.Contains(r.Reason, reason) || out[i].Dropped != "" {
			t.Errorf("%s: %+v", reason, out[i])
		}
	}
}
