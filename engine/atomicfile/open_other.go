//go:build !windows

package atomicfile

import "os"

// Open opens a file that may be replaced or removed while it is open. It takes the arguments of
// os.OpenFile.
func Open(path string, flag int, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag, mode)
}

func rename(from, to string) error { return os.Rename(from, to) }
