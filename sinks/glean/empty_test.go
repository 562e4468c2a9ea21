package glean

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestWaitingDocuments: groups without an active user are named with the documents
// that no user finds because of it.
func TestWaitingDocuments(t *testing.T) {
	f := start(t, sandbox.Rules{})
	s := f.read(user("ann"), inactive("old"),
		group("full", "user:default/ann"), group("empty"), group("left", "user:default/old", "user:default/unknown"),
		group("above", "group:default/full"), group("loop", "group:default/pool"), group("pool", "group:default/loop"))
	for id, principals := range map[string][]string{
		"a": {"group:default/empty"}, "b": {"group:default/empty", "group:default/left"}, "c": {"group:default/loop"},
		"d": {"group:default/empty", "user:default/ann"}, "e": {"group:default/above"},
		"f": {"group:default/empty", "group:default/full"}, "i": {"user:default/old", "group:default/empty"},
	} {
		if _, _, err := s.Encode(docOf(id, principals)); err != nil {
			t.Fatal(err)
		}
	}
	sets := docOf("g", nil)
	sets.Permissions.AllOf = [][]string{{"group:default/full", "group:default/pool"}}
	if _, _, err := s.Encode(sets); err != nil {
		t.Fatal(err)
	}
	met := docOf("h", nil)
	met.Permissions.AllOf = [][]string{{"group:default/full", "group:default/left"},
		{"group:default/full", "group:default/above"}}
	if _, _, err := s.Encode(met); err != nil {
		t.Fatal(err)
	}
	const want = "documents wait for 4 groups without an active user in Glean, and no user finds them until it has one: " +
		"group:default/empty in 3 documents; group:default/left in 1 document; group:default/loop in 1 document; " +
		"group:default/pool in 1 document"
	if notes := strings.Join(s.Notes(), "\n"); !strings.Contains(notes, want) {
		t.Error(notes)
	}
}
