package host

import "syscall"

// attributes make a plugin the leader of a process group, which the keys of a
// terminal do not reach, and end it with the thread that started it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// inGroup makes a process the leader of a process group.
func inGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
