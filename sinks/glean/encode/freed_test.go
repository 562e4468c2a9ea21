package encode_test

import (
	"runtime"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestHeldIdentitiesKeepNoRecord: users and groups that are held until Seal keep none of
// the records they were made of.
func TestHeldIdentitiesKeepNoRecord(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read()
	pipelinetest.Freed(t, []string{"user:default/ann", "ann@x.example", "Ann"}, func(r *pipelinetest.Copy) {
		encodeItem(t, s, gleantest.Item("users", "user:default/ann", "id", r.Text("user:default/ann"),
			"email", r.Text("ann@x.example"), "name", r.Text("Ann")))
	})
	pipelinetest.Freed(t, []string{"group:default/a", "user:default/ann", "group:default/b"}, func(r *pipelinetest.Copy) {
		encodeItem(t, s, gleantest.Item("groups", "group:default/a", "id", r.Text("group:default/a"), "members",
			[]string{r.Text("user:default/ann")}, "subgroups", []string{r.Text("group:default/b")}))
	})
	runtime.KeepAlive(s)
}

// TestCountsKeepNoRecord: counts of omitted refs keep no document in memory.
func TestCountsKeepNoRecord(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read(gleantest.User("ann"), gleantest.Inactive("old"), gleantest.Group("a"))
	texts := []string{"user:default/nobody", "user:default/old", "group:default/a", "user:default/owner", "container"}
	pipelinetest.Freed(t, texts, func(r *pipelinetest.Copy) {
		d := gleantest.DocOf("a", []string{r.Text(texts[0]), r.Text(texts[1]), r.Text(texts[2])})
		d.Fields = append(d.Fields, component.Field{Name: "owner", Value: r.Text(texts[3])},
			component.Field{Name: "container", Value: "x"},
			component.Field{Name: "containerObjectType", Value: r.Text(texts[4])})
		encodeItem(t, s, d)
	})
	runtime.KeepAlive(s)
}

func encodeItem(t *testing.T, s component.Session, item *component.Item) {
	t.Helper()
	if _, _, err := s.Encode(item); err != nil {
		t.Fatal(err)
	}
}
