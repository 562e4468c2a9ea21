//go:build !windows

package stage

import "os"

// unlinked creates a file and removes its name at once.
func unlinked(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "pipe-stage-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
