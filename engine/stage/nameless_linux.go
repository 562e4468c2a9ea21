package stage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// nameless is a file that never has a name, where the file system can do that:
// not even a kill between two calls leaves one.
func nameless(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), "pipe-stage"), nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return unlinked(dir)
	}
	return nil, &os.PathError{Op: "open", Path: dir, Err: err}
}
