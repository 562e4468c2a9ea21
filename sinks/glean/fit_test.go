package glean

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// A definition larger than a request is no reason not to find its API.
func TestLargeDocument(t *testing.T) {
	f := start(t, sandbox.Rules{})
	large := doc("large")
	for i, field := range large.Fields {
		if field.Name == "body" {
			large.Fields[i].Value = strings.Repeat("paths:\n", 1<<20)
		}
	}
	s := f.read(append(docs(3), large)...)
	cut := 0
	for _, e := range f.staged[api.StreamDocuments] {
		if len(e.Cut) > 0 {
			cut++
		}
		if len(e.Body) > encode.MaxDocument {
			t.Errorf("%s has %d bytes", e.ID, len(e.Body))
		}
	}
	if err := f.publish(s); err != nil || cut != 1 || len(f.index().Documents) != 4 {
		t.Errorf("%v, %d cut, %d documents", err, cut, len(f.index().Documents))
	}
}
