package host

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

// keeperName is the first argument by which a program knows that it is to be a
// keeper.
const keeperName = "pipe-plugin-keeper"

// What a keeper is given: its lifeline as input, which ends with pipe, and where
// it reports to.
const reportTo = 3

// The lines of its report.
const (
	reportError  = "error"  // errno: the plugin could not be started
	reportPid    = "pid"    // of the plugin
	reportStatus = "status" // with which the plugin ended
)

// sweepLimit is how long a keeper tries to end what a plugin left.
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

// Keep makes this process a plugin's keeper and does not return, where it was
// started as one; elsewhere it does nothing. A program that starts plugins calls
// it first in main.
//
// A keeper is the plugin's parent. It ends with the plugin, or when pipe is gone
// however it ended, and not before everything that the plugin started has ended:
// what leaves its parent behind becomes a child of the keeper, also in a session
// of its own.
func Keep() {
	if len(os.Args) < 5 || os.Args[0] != keeperName {
		return
	}
	syscall.Exit(keep(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]))
}

func keep(dir, folder, path string, args []string) (code int) {
	runtime.LockOSThread() // the plugin ends with this thread
	syscall.CloseOnExec(reportTo)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP) // pipe says when it ends
	prctl(syscall.PR_SET_DUMPABLE, 0)
	prctl(prSetChildSubreaper, 1)
	for _, capability := range spyingCapabilities() {
		prctl(syscall.PR_CAPBSET_DROP, capability) // root may do it, and for others there is nothing to drop
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
	syscall.Kill(-pid, syscall.SIGKILL) // its group at one go
	sweep()
	return 0
}

// waitFor waits for the plugin, and for the children that came to the keeper
// and ended before it.
func waitFor(pid int) (status syscall.WaitStatus) {
	for {
		got, err := syscall.Wait4(-1, &status, 0, nil)
		if got == pid || err != nil && err != syscall.EINTR {
			return status
		}
	}
}

// sweep ends all that the plugin left. Only children are ended, since a pid is
// theirs until they are waited for; what they leave comes to the keeper in turn,
// and there is nothing left when it has no child.
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

// children are the processes whose parent this one is.
func children() (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	self := strconv.Itoa(os.Getpid())
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // state and parent, behind the name
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && len(fields) > 1 && string(fields[1]) == self {
			pids = append(pids, pid)
		}
	}
	return pids
}

func prctl(option, value uintptr) {
	syscall.RawSyscall6(syscall.SYS_PRCTL, option, value, 0, 0, 0, 0)
}
