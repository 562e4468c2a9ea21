package cli

import (
	"os"
	"strconv"
	"syscall"
)

// seal protects pipe from other processes (invariant 6). Other processes of the same user,
// such as plugins, cannot read its memory and environment, which contain its tokens; as a
// consequence pipe leaves no core dump, and a debugger attaches only as root. Processes that
// pipe starts inherit none of the files that pipe was started with.
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
