package file

import (
	"runtime"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
)

// TestSessionKeepsNoRecord: a session keeps no record in memory.
func TestSessionKeepsNoRecord(t *testing.T) {
	s := open(t, t.TempDir())
	pipelinetest.Freed(t, []string{"team", "ann", "stranger"}, func(r *pipelinetest.Copy) {
		group := item(streamGroups, "team", component.Field{Name: "members", Value: []string{r.Text("ann")}})
		group.Ref, group.Fields[0].Value = "team", "team"
		if _, _, err := s.Encode(group); err != nil {
			t.Fatal(err)
		}
	})
	pipelinetest.Freed(t, []string{"stranger"}, func(r *pipelinetest.Copy) {
		doc := item(streamDocuments, "doc", component.Field{Name: "type", Value: "page"})
		doc.Permissions = access.Permissions{Audience: access.Listed, Rule: "rule", Principals: []string{r.Text("stranger")}}
		if _, _, err := s.Encode(doc); err != nil {
			t.Fatal(err)
		}
	})
	runtime.KeepAlive(s)
}
