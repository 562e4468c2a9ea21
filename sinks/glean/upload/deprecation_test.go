package upload_test

import (
	"net/http"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestDeprecations: what Glean is going to take away is in the report, once.
func TestDeprecations(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Status: http.StatusOK, TakesEffect: true,
		Header: http.Header{"X-Glean-Deprecated": {"name=disableStaleDocumentDeletionCheck;kind=property;" +
			"context=bulkindexdocuments;removal=2027-01-15;docs=https://developers.glean.com/x"}}})
	if err := f.Run(append(gleantest.Docs(12), gleantest.User("ann"))...); err != nil || len(f.IDs()) != 12 {
		t.Fatal(err)
	}
	n := 0
	for _, note := range f.Notes {
		if gleantest.Holding("disableStaleDocumentDeletionCheck")([]byte(note)) &&
			gleantest.Holding("2027-01-15")([]byte(note)) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d times in %q", n, f.Notes)
	}
}
