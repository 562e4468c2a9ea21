//go:build !windows

package sqlite

import (
	"os"
)

// unlink takes the file's name away; the open connection keeps its content until the process
// ends.
func (s *Scratch) unlink(path string) error { return os.Remove(path) }
