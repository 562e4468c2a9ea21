//go:build unix && !linux

package launch

import "syscall"

// inGroup makes a process the leader of a process group, which gets no signals from
// the terminal.
func inGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the processes of a group.
func killGroup(leader int) { syscall.Kill(-leader, syscall.SIGKILL) }
