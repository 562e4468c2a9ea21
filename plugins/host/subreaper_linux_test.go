package host

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parentOf is a process's parent.
func parentOf(t *testing.T, pid int) (parent int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	if _, err := fmt.Sscanf(rest[2:], "%d", &parent); err != nil {
		t.Fatal(err)
	}
	return parent
}

// TestSubreaperSignalled: a signal to a whole control group, as an init system sends it,
// does not end a subreaper.
func TestSubreaperSignalled(t *testing.T) {
	w := newWorld(t, "session", nil)
	w.start(t)
	if _, err := w.apply(t, record("a", "x")); err != nil {
		t.Fatal(err)
	}
	pids := pidsIn(t, w.file)
	subreaper := parentOf(t, pids[0])
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM} {
		syscall.Kill(subreaper, signal)
	}
	syscall.Kill(pids[0], syscall.SIGTERM)
	for _, pid := range append(pids, subreaper) {
		gone(t, pid, 2*time.Second)
	}
}

// TestSubreaperKilled: a plugin ends with its subreaper, also if pipe is killed at the same
// time, and a run continues with another plugin.
func TestSubreaperKilled(t *testing.T) {
	t.Run("both", func(t *testing.T) {
		host, pids := hosted(t, "fork", shortTemp(t))
		subreaper := parentOf(t, pids[0])
		syscall.Kill(subreaper, syscall.SIGKILL)
		host.Process.Kill()
		gone(t, pids[0], 2*time.Second)
		syscall.Kill(pids[1], syscall.SIGKILL) // its forked process is orphaned
	})
	t.Run("alone", func(t *testing.T) {
		w := newWorld(t, "removes", nil)
		w.start(t)
		pid := w.current.program.pid()
		syscall.Kill(parentOf(t, pid), syscall.SIGKILL)
		gone(t, pid, 2*time.Second)
		if _, err := w.apply(t, record("a", "x")); err != nil {
			t.Error(err)
		}
	})
}
