package encode_test

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// A definition larger than a request is no reason not to find its API.
func TestLargeDocument(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	large := gleantest.Doc("large")
	for i, field := range large.Fields {
		if field.Name == "body" {
			large.Fields[i].Value = strings.Repeat("paths:\n", 1<<20)
		}
	}
	s := f.Read(append(gleantest.Docs(3), large)...)
	cut := 0
	for _, e := range f.Staged[api.StreamDocuments] {
		if len(e.Cut) > 0 {
			cut++
		}
		if len(e.Body) > encode.MaxDocument {
			t.Errorf("%s has %d bytes", e.ID, len(e.Body))
		}
	}
	if err := f.Publish(s); err != nil || cut != 1 || len(f.Index().Documents) != 4 {
		t.Errorf("%v, %d cut, %d documents", err, cut, len(f.Index().Documents))
	}
}
