//go:build unix && !linux

package host

import "syscall"

// inGroup makes a process the leader of a process group, which the keys of a
// terminal do not reach.
func inGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends a process and all that it forked, as far as they stayed in its
// group.
func killGroup(leader int) { syscall.Kill(-leader, syscall.SIGKILL) }
