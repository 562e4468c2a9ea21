package host

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestRunsWhatWasHashed: a file that others can change is exchanged between the
// hash and the start, and what was hashed runs, with its neighbours beside it.
// One that nobody else can change runs where it stands.
func TestRunsWhatWasHashed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system runs a file under its path only")
	}
	for name, tc := range map[string]struct {
		mode   os.FileMode // of the folder
		before []string    // of the script, in the command
		copied bool
	}{
		"program":        {0o777, nil, true},
		"argument":       {0o777, []string{"/bin/sh"}, true},
		"flag":           {0o777, []string{"/bin/sh", "-c", `. "${0#--file=}"`}, true},
		"ours":           {0o755, nil, false},
		"ours, argument": {0o755, []string{"/bin/sh"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.Chmod(folder, tc.mode); err != nil {
				t.Fatal(err)
			}
			script, seen := filepath.Join(folder, "plugin.sh"), filepath.Join(t.TempDir(), "seen")
			put := func(path, text string) {
				if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			put(filepath.Join(folder, "beside.sh"), "exec "+os.Args[0]+"\n")
			put(script, "#!/bin/sh\nat=${0#--file=}\necho $at >"+seen+"\n. $(dirname $at)/beside.sh\n")
			w := newWorld(t, "removes", func(o *Options) {
				o.Command = append(tc.before, script)
				if name == "flag" {
					o.Command[len(o.Command)-1] = "--file=" + script
				}
				o.Unpinned = false
				for _, file := range o.Files() {
					sum, err := Checksum(file)
					if err != nil {
						t.Fatal(err)
					}
					o.Sums = append(o.Sums, sum)
				}
				if tc.copied {
					o.hashed = func() {
						os.Remove(script)
						put(script, "#!/bin/sh\necho exchanged\n")
					}
				}
			})
			w.start(t)
			if _, err := w.apply(t, record("a", "x")); err != nil {
				t.Error(err)
			}
			at, err := os.ReadFile(seen)
			if err != nil || strings.HasPrefix(string(at), folder) == tc.copied || !strings.HasSuffix(string(at), "/plugin.sh\n") {
				t.Errorf("it ran as %s %v", at, err)
			}
		})
	}
}

// TestSettled: who can put another file in the place of one.
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
	for folder, mode := range map[string]os.FileMode{"ours": 0o755, "open": 0o777, "sticky": 0o777 | os.ModeSticky, "group": 0o775} {
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

// TestInterpreterOnly: what is pinned when nothing of one's own is.
func TestInterpreterOnly(t *testing.T) {
	script := filepath.Join(t.TempDir(), "x.py")
	if err := os.WriteFile(script, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]bool{
		"/usr/bin/python3 -m ours": true, "/usr/bin/python3.11 -c x": true, "/usr/bin/env node": true, "/bin/sh -c x": true,
		"/opt/ours": false, "/opt/ours --fast": false, "/usr/bin/python3 " + script: false, "/usr/bin/node --import=" + script: false,
	} {
		o := Options{Command: strings.Fields(command)}
		o.Sums = o.Files()
		if got := o.InterpreterOnly(); got != want {
			t.Errorf("%s: %t", command, got)
		}
	}
}
