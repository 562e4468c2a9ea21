package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestStageHasNoName (invariant 7): the files of a running run have no names, so nothing
// remains, not even after SIGKILL.
func TestStageHasNoName(t *testing.T) {
	t.Parallel()
	w, g := gated(t, "documents")
	w.env["TMPDIR"] = t.TempDir()
	p := startProcess(t, w.env, append([]string{"run", "--output", t.TempDir()}, small[1:]...)...)
	g.wait(t)
	if staged := openFiles(t, p.cmd.Process.Pid, w.env["TMPDIR"]); staged == 0 {
		t.Error("no stage file is open: this test looks for the wrong thing")
	}
	if names := names(t, w.env["TMPDIR"]); len(names) > 0 {
		t.Errorf("while it runs: %s", names)
	}
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := p.exit(); code != -1 {
		t.Errorf("exit %d\n%s", code, p.text())
	}
	if names := names(t, w.env["TMPDIR"]); len(names) > 0 {
		t.Errorf("after SIGKILL: %s", names)
	}
	g.release()
	repaired(t, w)
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// openFiles counts the unnamed files that a process has open in dir, if the system supports
// that.
func openFiles(t *testing.T, pid int, dir string) (n int) {
	t.Helper()
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if len(links) == 0 {
		t.Skip("this system has no list of the files that a process has open")
	}
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && strings.HasPrefix(to, dir) && strings.HasSuffix(to, "(deleted)") {
			n++
		}
	}
	return n
}
