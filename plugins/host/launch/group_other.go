//go:build !unix

package launch

import (
	"os"
	"syscall"
)

func inGroup() *syscall.SysProcAttr { return nil }

// killGroup ends a process: this system has no process groups.
func killGroup(leader int) {
	if p, err := os.FindProcess(leader); err == nil {
		p.Kill()
	}
}
