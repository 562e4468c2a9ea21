package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestPushKeepsToItsOwnDocument: an entity whose document would have another's id neither
// overwrites nor removes the other.
func TestPushKeepsToItsOwnDocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	file := edited(t, "      fields:\n        id: ref\n",
		"      fields:\n        id: metadata.annotations[\"example.com/id\"] ?? ref\n")
	entity := func(name, id string) []byte {
		return fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Component","metadata":{"name":%q,"annotations":{"example.com/id":%q}},"spec":{"type":"service","owner":"payments"},"relations":[{"type":"ownedBy","targetRef":"group:default/payments"}]}`, name, id)
	}
	var all [][]byte
	for _, raw := range backstagesandbox.Company() {
		if strings.Contains(string(raw), `"User"`) || strings.Contains(string(raw), `"Group"`) {
			all = append(all, raw)
		}
	}
	all = append(all, entity("first", "id-1"))
	w.backstage.Replace(all)
	dir := t.TempDir()
	w.pipe(t, "run", file, "--progress", "none", "--state", dir).expect(t, int(job.Done))
	w.backstage.Replace(append(all, entity("second", "id-1"), entity("third", "id-3")))
	push := func(dir, name string) call {
		return w.pipe(t, "push", file, "component:default/"+name, "--state", dir)
	}
	push(dir, "second").expect(t, int(job.Refused), "component:default/second: its id id-1 is also the id of",
		"nothing was sent")
	push(dir, "third").expect(t, int(job.Refused), "its id id-3 is not its ref", "its id id-3 is not its ref")
	push("none", "first").expect(t, int(job.Refused), "its id id-1 is not its ref")
	push(dir, "first").expect(t, int(job.Done), "component:default/first: sent")
	w.pipe(t, "hide", file, "component:default/second", "--state", dir).expect(t, int(job.Done),
		"its id id-1 is also the id of component:default/first, which is kept")
	if d, there := w.index().Document("id-1"); !there || d.Title != "first" {
		t.Errorf("%v %q", there, d.Title)
	}
	w.pipe(t, "hide", file, "component:default/first", "--state", dir).expect(t, int(job.Done), "deleted, and hidden")
	if _, there := w.index().Document("id-1"); there {
		t.Error("it is still there")
	}
}
