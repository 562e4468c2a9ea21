package main

import "syscall"

// seal keeps other processes of the same user, such as plugins, from reading
// pipe's memory and environment, where its tokens are (invariant 6). Root reads
// them all the same. It also means that pipe leaves no core dump, and that a
// debugger attaches only as root.
func seal() {
	const notDumpable = 0
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, notDumpable, 0)
}
