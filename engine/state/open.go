package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/pipe-engine/pipe/engine/atomicfile"
)

// OpenFile opens a file for reading. It returns an error for anything but a regular file or a
// symlink to one: a FIFO does not block, and a dangling symlink does not count as a missing file.
func OpenFile(path string) (*os.File, error) {
	f, err := atomicfile.Open(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := os.Lstat(path); there == nil {
			return nil, fmt.Errorf("%s is a symlink to a file that is not there", path)
		}
	}
	if err != nil {
		return nil, err
	}
	return regular(f, path)
}

// regular returns an open file, or closes it and returns an error when it is not a regular one.
func regular(f *os.File, path string) (*os.File, error) {
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

// Replace replaces a file with the output of write. When write fails, Replace returns its error and
// leaves the file unchanged.
func Replace(files Files, name string, write func(io.Writer) error) error {
	f, err := files.Create(name)
	if err != nil {
		return err
	}
	return atomicfile.Fill(f, write)
}

// ReadFile reads a whole file.
func ReadFile(files Files, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
