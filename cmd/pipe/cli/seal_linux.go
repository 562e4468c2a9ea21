package cli

import (
	"os"
	"strconv"
	"syscall"
)

// seal keeps what pipe holds from other processes (invariant 6). Its memory and
// environment, where its tokens are, cannot be read by others of the same user,
// such as plugins; that also means that pipe leaves no core dump, and that a
// debugger attaches only as root. And no file that pipe was started with reaches
// a process that it starts.
func seal() {
	const notDumpable, standardError = 0, 2
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, notDumpable, 0)
	open, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > standardError {
			syscall.CloseOnExec(fd)
		}
	}
}
