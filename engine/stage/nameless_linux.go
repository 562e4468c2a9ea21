package stage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// nameless creates a file that never has a name if the file system supports that. A kill
// between two calls then leaves no file.
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
