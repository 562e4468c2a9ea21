package stage

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

// TestKeptItems: a stream with kept items cannot be read to its end as a whole, and yields what has
// content (invariant 4).
func TestKeptItems(t *testing.T) {
	s := New()
	defer s.Close()
	never := func(string) bool { return false }
	for _, ref := range []string{"a", "b", "c", "d"} {
		e := component.Encoded{ID: ref, Ref: ref, Type: "page", Audience: access.AllUsers, Body: []byte(ref),
			Kept: ref == "b" || ref == "c"}
		if _, err := s.Put("documents", e, 1, never); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	p := s.Plan("documents")
	if p.Kept != 2 || p.Count != 4 || p.Types["page"] != 4 {
		t.Errorf("%d kept of %d, %v", p.Kept, p.Count, p.Types)
	}
	got, failed := "", ""
	for e, err := range p.Items {
		if got += e.Ref; err != nil {
			failed = err.Error()
		}
	}
	if got != "ad" || !strings.Contains(failed, "2 items were not read") {
		t.Errorf("items: %q, %s", got, failed)
	}
	got = ""
	for e, err := range p.Content {
		if got += e.Ref; err != nil || e.Kept {
			t.Errorf("%+v: %v", e, err)
		}
	}
	for body, err := range p.Ordered {
		if got += string(body); err != nil {
			t.Error(err)
		}
	}
	if got != "adad" {
		t.Errorf("content and ordered bodies: %q", got)
	}
	for e, err := range s.Chosen("documents", func(tag Tag) bool { return tag.Kept }) {
		if err != nil || !e.Kept || e.Ref != "b" && e.Ref != "c" {
			t.Errorf("%+v: %v", e, err)
		}
	}
}
