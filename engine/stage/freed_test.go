package stage_test

import (
	"runtime"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/engine/stage"
)

// TestStageKeepsNoText: ids and types that are parts of a record do not keep the record in
// memory.
func TestStageKeepsNoText(t *testing.T) {
	s := stage.New()
	defer s.Close()
	pipelinetest.Freed(t, []string{"id", "type", "withheld"}, func(r *pipelinetest.Copy) {
		e := component.Encoded{ID: r.Text("id"), Ref: "ref", Type: r.Text("type"), Audience: access.AllUsers,
			Body: []byte("{}")}
		if taken, err := s.Put("documents", e, 1, func(string) bool { return false }); taken != "" || err != nil {
			t.Fatal(taken, err)
		}
		if err := s.Withhold("documents", "other", r.Text("withheld"), false); err != nil {
			t.Fatal(err)
		}
	})
	runtime.KeepAlive(s)
}
