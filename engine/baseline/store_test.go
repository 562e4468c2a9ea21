package baseline

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestSlug: the names of a place's files are readable and safe in any folder.
func TestSlug(t *testing.T) {
	for from, want := range map[string]string{
		"https://Acme-BE.glean.com backstage": "acme-be.glean.com-backstage",
		"https://acme.example:8443/../x":      "acme.example-8443-..-x",
		"x://0/9:a`z{é":                       "0-9-a-z",
		"x://../..":                           "",
		"no scheme":                           "",
		"x://" + strings.Repeat("a", 99):      strings.Repeat("a", 60),
	} {
		if got := slug(from); got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
}

// TestCommitFails: a state that cannot be written whole leaves the one before, and
// nothing half written.
func TestCommitFails(t *testing.T) {
	s := open(t, t.TempDir())
	save(t, s, entries[0])
	w, err := s.Create(Header{})
	if err != nil {
		t.Fatal(err)
	}
	w.Add(entries[1])
	if err := w.f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err == nil {
		t.Error("it was written")
	}
	if got := load(t, s); len(got) != 1 || got[0].Ref != entries[0].Ref {
		t.Errorf("%+v", got)
	}
	if left, _ := filepath.Glob(s.path(".new-*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
