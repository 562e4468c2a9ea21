//go:build unix

package baseline

import (
	"errors"
	"syscall"
)

// alive reports whether a process exists. A process that reuses the number counts.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
