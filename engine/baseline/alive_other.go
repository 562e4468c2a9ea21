//go:build !unix

package baseline

import "os"

// alive tells whether a process is there; one that took its number counts.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	p.Release()
	return true
}
