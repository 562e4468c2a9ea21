package host

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestRunsWhatWasHashed: if a file that others can change is replaced between the hash and
// the start, the hashed content runs, with its neighbouring files. A file that no one else
// can change runs in place.
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
			if err != nil || strings.HasPrefix(string(at), folder) == tc.copied ||
				!strings.HasSuffix(string(at), "/plugin.sh\n") {
				t.Errorf("it ran as %s %v", at, err)
			}
		})
	}
}

// TestCopyCannotRun: if the system refuses to run a copy, the error says that it is a copy
// and what to do.
func TestCopyCannotRun(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system makes no copies")
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	path, interpreter := filepath.Join(folder, "plugin.sh"), filepath.Join(folder, "not-executable")
	for file, mode := range map[string]os.FileMode{path: 0o700, interpreter: 0o600} {
		if err := os.WriteFile(file, []byte("#!"+interpreter+"\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := Checksum(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "noop", func(o *Options) { o.Command, o.Unpinned, o.Sums = []string{path}, false, []string{sum} })
	if remedy := fault.RemedyOf(w.Start(t.Context())); !strings.Contains(remedy, "set TMPDIR to a folder") {
		t.Error(remedy)
	}
}
