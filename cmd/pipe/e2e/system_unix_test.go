//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

func makeFIFO(path string) error { return syscall.Mkfifo(path, 0o600) }

// peakMB is the most memory that a process had.
func peakMB(state *os.ProcessState) float64 {
	peak := float64(state.SysUsage().(*syscall.Rusage).Maxrss) / 1024 // in KB on Linux
	if runtime.GOOS == "darwin" {
		peak /= 1024 // in bytes
	}
	return peak
}

// cpuTime is what this process and its ended children used.
func cpuTime() (all time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			all += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return all
}

// inSession starts a command in its own session.
func inSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// runAs starts a command as another user.
func runAs(cmd *exec.Cmd, id uint32) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
}
