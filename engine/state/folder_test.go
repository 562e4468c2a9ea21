package state

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
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

func TestDefaultFolder(t *testing.T) {
	root := ""
	if runtime.GOOS == "windows" {
		root = "C:"
	}
	for _, tc := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"HOME": root + "/home/sam"}, root + "/home/sam/.local/state/pipe"},
		{map[string]string{"HOME": root + "/home/sam", "XDG_STATE_HOME": root + "/state"}, root + "/state/pipe"},
		{map[string]string{"HOME": root + "/home/sam", "XDG_STATE_HOME": "relative"}, root + "/home/sam/.local/state/pipe"},
		{map[string]string{"HOME": ""}, ""},
		{nil, ""},
	} {
		got, err := DefaultFolder(func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok })
		if string(got) != filepath.FromSlash(tc.want) || (err == nil) != (tc.want != "") {
			t.Errorf("%v: %q, %v", tc.env, got, err)
		}
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
		if err := Folder(dir).Usable(); (err != nil) != tc.fails {
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
