//go:build unix

package host

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func stop(pid int) { syscall.Kill(pid, syscall.SIGSTOP) }
func kill(pid int) { syscall.Kill(pid, syscall.SIGKILL) }

// inSession starts a command in its own session.
func inSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// alive reports whether a process runs; a zombie does not.
func alive(pid int) bool {
	if runtime.GOOS != "linux" {
		state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
		return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// TestStopped: a stopped process is ended, too.
func TestStopped(t *testing.T) {
	w := newWorld(t, "noop", nil)
	w.start(t)
	pid := w.current.program.pid()
	stop(pid)
	began := time.Now()
	w.Close()
	if took := time.Since(began); took > 5*time.Second || alive(pid) {
		t.Errorf("it took %s, alive: %v", took, alive(pid))
	}
}
