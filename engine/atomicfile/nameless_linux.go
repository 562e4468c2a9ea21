package atomicfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Nameless creates a file in a folder that is gone when it is closed or the process ends. It never has a
// name if the file system supports that; otherwise its name begins with name, and is
// removed at once.
func Nameless(dir, name string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), name), nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return unlinked(dir, name)
	}
	return nil, &os.PathError{Op: "open", Path: dir, Err: err}
}
