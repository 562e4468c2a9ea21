package print

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/diff"
)

// TestEqualAccess: documents whose access changes in the same way are printed together,
// with the rule that decides.
func TestEqualAccess(t *testing.T) {
	wider := func(id, title string) diff.AccessChange {
		return diff.AccessChange{Stream: "documents", ID: id, Title: title, Wider: true, From: "listed", To: "all-users",
			Rule: "open", Gained: []string{"everyone"}}
	}
	other := diff.AccessChange{Stream: "documents", ID: "api:default/b", Narrower: true, From: "all-users", To: "nobody",
		Rule: "default"}
	var out strings.Builder
	Diff(&out, &diff.Diff{Against: "x", Streams: []*diff.StreamDiff{{Name: "documents", Wider: 2, Narrower: 1}},
		Access: []diff.AccessChange{wider("api:default/a", "A"), other, wider("api:default/c", "C")}}, Style{})
	const want = `
who finds what
  WIDER     documents  listed → all-users, by rule "open"
      api:default/a, api:default/c
      + everyone
  narrower  documents api:default/b  all-users → nobody, by the default
`
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("%s", out.String())
	}
}
