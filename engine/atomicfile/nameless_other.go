//go:build !linux && !windows

package atomicfile

import "os"

// Nameless creates a file in a folder and removes its name, which begins with name, at once.
func Nameless(dir, name string) (*os.File, error) { return unlinked(dir, name) }
