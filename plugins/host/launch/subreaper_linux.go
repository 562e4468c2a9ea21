package launch

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// subreaperName is the first argument with which a program is started as a
// subreaper.
const subreaperName = "pipe-plugin-subreaper"

// reportTo is the file descriptor that a subreaper reports to. Its input is the
// lifeline, which ends with pipe.
const reportTo = 3

// The lines of the report.
const (
	reportError  = "error"  // errno: the plugin could not be started
	reportPid    = "pid"    // of the plugin
	reportStatus = "status" // with which the plugin ended
)

// sweepLimit is how long a subreaper tries to end the plugin's remaining processes.
const sweepLimit = 5 * time.Second

// spyingCapabilities are those with which root reads the memory and environment
// of other processes, straight or through the kernel: CAP_SYS_MODULE,
// CAP_SYS_RAWIO, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF.
func spyingCapabilities() []uintptr { return []uintptr{16, 17, 19, 21, 38, 39} }

// Of linux/prctl.h.
const (
	prSetChildSubreaper = 36
	prCapAmbient        = 47
	prCapAmbientClear   = 4
)

// RunSubreaper does not return if this process was started as a subreaper; otherwise it does
// nothing.
//
// A subreaper is the plugin's parent. It ends when the plugin ends or when pipe is gone,
// even by SIGKILL, and only after everything that the plugin started has ended: orphaned
// descendants become children of the subreaper, including those in other sessions.
func RunSubreaper() {
	if len(os.Args) < 5 || os.Args[0] != subreaperName {
		return
	}
	syscall.Exit(subreap(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]))
}

func subreap(dir, folder, path string, args []string) (code int) {
	runtime.LockOSThread() // PDEATHSIG below is sent when this thread ends
	syscall.CloseOnExec(reportTo)
	// Only the lifeline ends it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	prctl(syscall.PR_SET_DUMPABLE, 0)
	prctl(prSetChildSubreaper, 1)
	for _, capability := range spyingCapabilities() {
		prctl(syscall.PR_CAPBSET_DROP, capability) // fails for users other than root, who have none
	}
	prctl(prCapAmbient, prCapAmbientClear)
	defer os.RemoveAll(folder)
	report := os.NewFile(reportTo, "report")
	null, err := os.Open(os.DevNull)
	if err != nil {
		fmt.Fprintln(report, reportError, int(syscall.ENOENT))
		return 1
	}
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{
		Dir: dir, Env: os.Environ(), Files: []uintptr{null.Fd(), 1, 2},
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		errno, _ := err.(syscall.Errno)
		fmt.Fprintln(report, reportError, int(errno))
		return 1
	}
	fmt.Fprintln(report, reportPid, pid)
	var ended atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		if !ended.Load() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}()
	status := waitFor(pid)
	ended.Store(true)
	fmt.Fprintln(report, reportStatus, int(status))
	syscall.Kill(-pid, syscall.SIGKILL) // its group immediately
	sweep()
	return 0
}

// waitFor waits for the plugin and reaps orphans that end before it.
func waitFor(pid int) (status syscall.WaitStatus) {
	for {
		got, err := syscall.Wait4(-1, &status, 0, nil)
		if got == pid || err != nil && err != syscall.EINTR {
			return status
		}
	}
}

// sweep ends all that the plugin left. It kills children only, whose pids cannot be
// reused until they are waited for; their orphans become children in turn. It is
// done when there is no child.
func sweep() {
	for late := time.Now().Add(sweepLimit); time.Now().Before(late); time.Sleep(time.Millisecond) {
		for _, pid := range children() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		for {
			got, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if err == syscall.ECHILD {
				return
			}
			if got <= 0 {
				break
			}
		}
	}
}

// children returns the pids of this process's children.
func children() (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	self := strconv.Itoa(os.Getpid())
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // state and parent, after the name
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && len(fields) > 1 &&
			string(fields[1]) == self {
			pids = append(pids, pid)
		}
	}
	return pids
}

func prctl(option, value uintptr) {
	syscall.RawSyscall6(syscall.SYS_PRCTL, option, value, 0, 0, 0, 0)
}
