package baseline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSlug: the names of a place's files are readable, and safe in any folder.
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

// TestCommitFails: when a state cannot be written completely, the previous one stays and no
// temporary file is left.
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

// TestUsable: a folder can hold state when files can be created in it. No file is left, and no
// link is followed.
func TestUsable(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(dir string) error
		fails   bool
		left    int
	}{
		"no folder yet":   {func(string) error { return nil }, false, 0},
		"an empty folder": {func(dir string) error { return os.Mkdir(dir, 0o700) }, false, 0},
		"a file":          {func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, true, 0},
		"a killed run left": {func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(dir+"/.usable", nil, 0o600))
		}, false, 0},
		"a link to a file": {func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.Symlink(dir+"/../linked", dir+"/.usable"))
		}, false, 0},
		"a folder of that name": {func(dir string) error { return os.MkdirAll(dir+"/.usable/x", 0o700) }, true, 1},
	} {
		root := t.TempDir()
		dir := filepath.Join(root, "state")
		if err := tc.prepare(dir); err != nil {
			t.Fatal(err)
		}
		if err := Usable(dir); (err != nil) != tc.fails {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) != tc.left {
			t.Errorf("%s: left %v", name, left)
		}
		if _, err := os.Lstat(filepath.Join(root, "linked")); err == nil {
			t.Errorf("%s: a link was followed", name)
		}
	}
}
