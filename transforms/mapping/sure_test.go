package mapping_test

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/engine/run"
)

// TestPendingCondition: a condition that looks up a pending ref rejects
// the record. It must not count as false, nor as true (invariant 2).
func TestPendingCondition(t *testing.T) {
	for name, tc := range map[string]struct {
		hold, rejected int
	}{
		"the phase is in memory":      {1 << 20, 0},
		"the phase is read in pieces": {1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			kit := &pipelinetest.Kit{Records: []map[string]any{entity("User", nil), entity("Component", nil), named("API", "b")}}
			d := pipelinetest.Parse(strings.Replace(file, "default: none", "default: all-users", 1)+`
  users:
    fields:
      id: ref
      email: '"a@b.example"'
  documents:
    when: kind != "User" and display("component:default/z") != nil
    fields:
      id: ref
`, registry(kit))
			if d.Problems.HasErrors() {
				t.Fatal(d.Problems)
			}
			p, done, err := d.Open(component.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			defer done()
			p.Limits.SpillBytes = tc.hold
			p.Limits.MaxRejected = component.Bound{Share: 1}
			report, _ := run.Run(t.Context(), p, run.Options{RunID: "r", Until: run.Reviewed})
			if report.Endings[component.Rejected] != tc.rejected {
				t.Errorf("%v, %+v", report.Endings, report.Reasons)
			}
			for _, deadLetter := range report.Rejections {
				if deadLetter.Stage != "mapping" || !strings.Contains(deadLetter.Reason, "component:default/z") {
					t.Errorf("%+v", deadLetter)
				}
			}
		})
	}
}

func named(kind, name string) map[string]any {
	e := entity(kind, nil)
	e["metadata"] = map[string]any{"name": name}
	return e
}
