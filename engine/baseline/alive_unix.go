//go:build unix

package baseline

import (
	"errors"
	"syscall"
)

// alive tells whether a process is there; one that took its number counts.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
