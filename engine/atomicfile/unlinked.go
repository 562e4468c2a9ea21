//go:build !windows

package atomicfile

import "os"

// unlinked creates a file and removes its name at once.
func unlinked(dir, name string) (*os.File, error) {
	f, err := os.CreateTemp(dir, name+"-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
