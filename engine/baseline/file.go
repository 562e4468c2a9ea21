package baseline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/pipe-engine/pipe/engine/atomicfile"
)

// openFile opens a file of the folder for reading. It returns an error for anything but a
// regular file or a symlink to one: a FIFO does not block, and a dangling symlink does not
// count as a missing file.
func openFile(path string) (*os.File, error) {
	f, err := atomicfile.Open(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := os.Lstat(path); there == nil {
			return nil, fmt.Errorf("%s is a symlink to a file that is not there", path)
		}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(path, info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func notRegular(path string, info os.FileInfo) error {
	what := "another kind of file"
	switch mode := info.Mode(); {
	case mode.IsDir():
		what = "a directory"
	case mode&os.ModeNamedPipe != 0:
		what = "a FIFO"
	case mode&os.ModeDevice != 0:
		what = "a device"
	}
	return fmt.Errorf("%s is not a regular file but %s", path, what)
}

// readFile reads a whole file of the folder, opened with openFile.
func readFile(path string) ([]byte, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// The names of temporary files. The next run removes those that were written with the lock of
// the place, and the others when they are an hour old.
const (
	temporaryLocked = ".new-*"
	temporary       = ".tmp-*"
)

// replaceFile replaces a file of the place with the output of write, atomically and with mode
// 0600. It needs no lock of the place.
func (s *Store) replaceFile(suffix string, write func(io.Writer) error) error {
	return atomicfile.Replace(s.path(suffix), atomicfile.Options{Temporary: s.key + temporary}, write)
}

// replaceLocked is replaceFile for the holder of the lock of the place.
func (s *Store) replaceLocked(suffix string, write func(io.Writer) error) error {
	return atomicfile.Replace(s.path(suffix), s.lockedOptions(), write)
}

// lockedOptions returns the options for files that the holder of the lock of the place writes.
func (s *Store) lockedOptions() atomicfile.Options {
	return atomicfile.Options{Temporary: s.key + temporaryLocked}
}
