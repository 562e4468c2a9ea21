package pin

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestSettled: a file is settled when only root and this user can replace it.
func TestSettled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not say who may replace a file")
	}
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	make := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for folder, mode := range map[string]os.FileMode{
		"ours": 0o755, "open": 0o777, "sticky": 0o777 | os.ModeSticky, "group": 0o775,
	} {
		make(os.Mkdir(at(folder), 0o700))
		make(os.WriteFile(at(folder+"/file"), nil, 0o700))
		make(os.Chmod(at(folder), mode))
	}
	make(os.WriteFile(at("ours/open"), nil, 0o700))
	make(os.Chmod(at("ours/open"), 0o722))
	make(os.Symlink("../ours/./file", at("open/link")))
	make(os.Symlink(at("open/link"), at("ours/through")))
	make(os.Symlink(at("ours"), at("ours/folder")))
	make(os.Symlink("loop", at("ours/loop")))
	for path, want := range map[string]bool{
		"ours/file": true, "open/file": false, "group/file": false, "sticky/file": true, "ours/open": false,
		"open/link": false, "ours/through": false, "ours/folder/file": true, "ours/loop": false, "ours/nothing": false,
	} {
		if got := settled(at(path)); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
	if os.Geteuid() == 0 {
		make(os.Chown(at("ours/file"), 12345, 0))
		if settled(at("ours/file")) {
			t.Error("the file is another user's")
		}
	}
}

// TestInterpreterOnly: a command whose files are interpreters pins nothing of what runs.
func TestInterpreterOnly(t *testing.T) {
	script := filepath.Join(t.TempDir(), "x.py")
	if err := os.WriteFile(script, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]bool{
		"/usr/bin/python3 -m ours": true, "/usr/bin/python3.11 -c x": true, "/usr/bin/env node": true, "/bin/sh -c x": true,
		"/opt/ours": false, "/opt/ours --fast": false,
		"/usr/bin/python3 " + script: false, "/usr/bin/node --import=" + script: false,
	} {
		c := Command{Words: strings.Fields(command)}
		c.Sums = c.Files()
		if got := c.InterpreterOnly(); got != want {
			t.Errorf("%s: %t", command, got)
		}
	}
}
