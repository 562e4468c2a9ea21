package glean

import (
	"net/http"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestDeprecations: what Glean is going to take away is in the report, once.
func TestDeprecations(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.server.Fail(faults.Fault{Path: documentsPath, Status: http.StatusOK, TakesEffect: true,
		Header: http.Header{"X-Glean-Deprecated": {"name=disableStaleDocumentDeletionCheck;kind=property;context=bulkindexdocuments;removal=2027-01-15;docs=https://developers.glean.com/x"}}})
	if err := f.run(append(docs(12), user("ann"))...); err != nil || len(f.ids()) != 12 {
		t.Fatal(err)
	}
	n := 0
	for _, note := range f.notes {
		if holds("disableStaleDocumentDeletionCheck")([]byte(note)) && holds("2027-01-15")([]byte(note)) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d times in %q", n, f.notes)
	}
}
