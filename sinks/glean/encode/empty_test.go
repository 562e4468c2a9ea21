package encode_test

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestWaitingDocuments: groups without an active user are named with the documents
// that no user finds because of it.
func TestWaitingDocuments(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read(gleantest.User("ann"), gleantest.Inactive("old"),
		gleantest.Group("full", "user:default/ann"), gleantest.Group("empty"),
		gleantest.Group("left", "user:default/old", "user:default/unknown"),
		gleantest.Group("above", "group:default/full"), gleantest.Group("loop", "group:default/pool"),
		gleantest.Group("pool", "group:default/loop"))
	for id, principals := range map[string][]string{
		"a": {"group:default/empty"}, "b": {"group:default/empty", "group:default/left"}, "c": {"group:default/loop"},
		"d": {"group:default/empty", "user:default/ann"}, "e": {"group:default/above"},
		"f": {"group:default/empty", "group:default/full"}, "i": {"user:default/old", "group:default/empty"},
	} {
		if _, _, err := s.Encode(gleantest.DocOf(id, principals)); err != nil {
			t.Fatal(err)
		}
	}
	sets := gleantest.DocOf("g", nil)
	sets.Permissions.AllOf = [][]string{{"group:default/full", "group:default/pool"}}
	if _, _, err := s.Encode(sets); err != nil {
		t.Fatal(err)
	}
	met := gleantest.DocOf("h", nil)
	met.Permissions.AllOf = [][]string{{"group:default/full", "group:default/left"},
		{"group:default/full", "group:default/above"}}
	if _, _, err := s.Encode(met); err != nil {
		t.Fatal(err)
	}
	const want = "documents name 4 groups without an active user in Glean; no user finds them until the group " +
		"has one: group:default/empty in 3 documents; group:default/left in 1 document; group:default/loop in 1 " +
		"document; group:default/pool in 1 document"
	if notes := strings.Join(s.Notes(), "\n"); !strings.Contains(notes, want) {
		t.Error(notes)
	}
}
