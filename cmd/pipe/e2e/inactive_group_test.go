package e2e

import (
	"fmt"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestWaitingPrinted: a run lists the groups in which Glean knows no active user, with the
// number of documents that wait for them.
func TestWaitingPrinted(t *testing.T) {
	t.Parallel()
	owned := func(name, team string) []byte {
		return fmt.Appendf(nil, `{"kind":"Component","metadata":{"name":%q,"annotations":{"glean.com/visibility":"owner"}},"spec":{"type":"service"},"relations":[{"type":"ownedBy","targetRef":"group:default/%s"}]}`, name, team)
	}
	w := newWorld(t, backstagesandbox.Options{Entities: [][]byte{
		[]byte(`{"kind":"User","metadata":{"name":"ann"},"spec":{"profile":{"email":"ann@example.com"}},"relations":[]}`),
		[]byte(`{"kind":"Group","metadata":{"name":"full"},"spec":{"type":"team"},"relations":[{"type":"hasMember","targetRef":"user:default/ann"}]}`),
		[]byte(`{"kind":"Group","metadata":{"name":"empty"},"spec":{"type":"team"},"relations":[{"type":"hasMember","targetRef":"user:default/gone"}]}`),
		owned("one", "empty"), owned("two", "empty"), owned("three", "full"),
	}}, gleansandbox.Options{})
	const want = "group:default/empty in 2 documents"
	w.run(t).expect(t, int(job.Done), "documents name 1 group without an active user in Glean", want,
		"!group:default/full in")
	if _, there := w.index().Document("component:default/one"); !there {
		t.Error("a document that waits for a group was not sent")
	}
}
