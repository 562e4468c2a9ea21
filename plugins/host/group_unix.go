//go:build unix

package host

import "syscall"

// killGroup ends a process and all that it forked, as far as they stayed in its
// group.
func killGroup(leader int) { syscall.Kill(-leader, syscall.SIGKILL) }
