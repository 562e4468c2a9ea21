//go:build unix && !linux

package host

import "syscall"

// attributes make a plugin the leader of a process group, which the keys of a
// terminal do not reach. The guard ends it when pipe is killed.
func attributes() *syscall.SysProcAttr { return inGroup() }

// inGroup makes a process the leader of a process group.
func inGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
