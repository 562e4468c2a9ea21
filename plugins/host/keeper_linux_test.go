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

// TestKeeperAsked: a signal to a whole control group, as an init system sends it,
// ends no keeper.
func TestKeeperAsked(t *testing.T) {
	w := newWorld(t, "session", nil)
	w.start(t)
	if _, err := w.apply(t, record("a", "x")); err != nil {
		t.Fatal(err)
	}
	pids := pidsIn(t, w.file)
	keeper := parentOf(t, pids[0])
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM} {
		syscall.Kill(keeper, signal)
	}
	syscall.Kill(pids[0], syscall.SIGTERM)
	for _, pid := range append(pids, keeper) {
		gone(t, pid, 2*time.Second)
	}
}

// TestKeeperKilled: without its keeper a plugin ends, also where pipe is killed
// with it, and a run goes on with another one.
func TestKeeperKilled(t *testing.T) {
	t.Run("both", func(t *testing.T) {
		host, pids := hosted(t, "fork", shortTemp(t))
		keeper := parentOf(t, pids[0])
		syscall.Kill(keeper, syscall.SIGKILL)
		host.Process.Kill()
		gone(t, pids[0], 2*time.Second)
		syscall.Kill(pids[1], syscall.SIGKILL) // what it forked is nobody's
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
