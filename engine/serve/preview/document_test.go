package preview

import (
	"bytes"
	"strings"
	"testing"
)

// TestDocumentOfAnotherRecord: the page of a document that follows another record names that record
// and shows no table of rules.
func TestDocumentOfAnotherRecord(t *testing.T) {
	for from, want := range map[string]bool{"component:default/a": true, "": false} {
		view := documentView{Words: Words{From: from, FromRule: `the rule "owners"`, Rules: []Rule{{Name: "private"}}}}
		var b bytes.Buffer
		if err := templates.ExecuteTemplate(&b, "document.html", struct {
			Base, Pipeline string
			Above          []Link
			Page           any
		}{Page: view}); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		if named := strings.Contains(text, "who find <bdi>component:default/a</bdi>, by <bdi>the rule"); named != want ||
			strings.Contains(text, "private") == want {
			t.Errorf("from %q: %s", from, text)
		}
	}
}
