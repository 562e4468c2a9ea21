package glean

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestCutBody: a document that is larger than a request takes is sent with the
// part of its body that fits, to the byte.
func TestCutBody(t *testing.T) {
	const limit = 2000
	for name, text := range map[string]string{
		"ascii": strings.Repeat("a", 4000), "escaped": strings.Repeat("\"\n\\\t", 1000), "control": strings.Repeat("\x01", 1000),
		"runes": strings.Repeat("é日👩", 500), "not UTF-8": strings.Repeat("a\xff", 1000),
	} {
		d := api.Document{ID: "x", Title: "the title", Body: &api.Content{MimeType: plainText, TextContent: text}}
		body, err := codec.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if cutBody(&d, len(body), len(body)) {
			t.Errorf("%s: it fits, and was cut", name)
		}
		if !cutBody(&d, len(body), limit) {
			t.Errorf("%s: it was not cut", name)
		}
		if body, err = codec.Marshal(d); err != nil || len(body) > limit || len(body) < limit-8 {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
		if name != "not UTF-8" && !utf8.ValidString(d.Body.TextContent) || !strings.HasSuffix(d.Body.TextContent, "…") {
			t.Errorf("%s: ends with %q", name, d.Body.TextContent[len(d.Body.TextContent)-8:])
		}
	}
	d := api.Document{Tags: []string{strings.Repeat("t", 3000)}, Body: &api.Content{TextContent: "short"}}
	if cutBody(&d, 3100, limit) || d.Body.TextContent != "short" {
		t.Error("a body was cut though the rest alone is too large")
	}
}

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
	for _, e := range f.staged[streamDocuments] {
		if len(e.Cut) > 0 {
			cut++
		}
		if len(e.Body) > maxDocument {
			t.Errorf("%s has %d bytes", e.ID, len(e.Body))
		}
	}
	if err := f.publish(s); err != nil || cut != 1 || len(f.index().Documents) != 4 {
		t.Errorf("%v, %d cut, %d documents", err, cut, len(f.index().Documents))
	}
}
