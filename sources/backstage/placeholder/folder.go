package placeholder

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// maxFile is the largest file that is read, maxTotal the most that one Folder
	// reads.
	maxFile  = 16 << 20
	maxTotal = 256 << 20
)

// Folder reads files below one folder.
type Folder struct {
	path string
	root *os.Root // opened at the first read
	left int64    // bytes that may still be read
}

// New is the folder of a catalog file; "" is none, below which nothing is read.
func New(path string) *Folder { return &Folder{path: path, left: maxTotal} }

// Close closes the folder.
func (f *Folder) Close() {
	if f.root != nil {
		f.root.Close()
	}
}

// read is the content of a file. Its errors say why it was not read.
func (f *Folder) read(target string) ([]byte, error) {
	switch {
	case strings.Contains(target, "://"):
		return nil, errors.New("an address is never asked")
	case f.path == "":
		return nil, errors.New("the input has no folder")
	case path.IsAbs(target) || filepath.IsAbs(target) || !filepath.IsLocal(filepath.FromSlash(target)):
		return nil, errors.New("it is not below the folder of the catalog file")
	}
	if f.root == nil {
		root, err := os.OpenRoot(f.path)
		if err != nil {
			return nil, errors.New("the folder of the catalog file cannot be read")
		}
		f.root = root
	}
	return f.open(filepath.FromSlash(target))
}

// open reads a regular file. The root follows no link that leaves it. A pipe or a device is
// refused before it is opened, and opening never waits.
func (f *Folder) open(name string) ([]byte, error) {
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, reason(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, reason(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, min(maxFile, f.left)+1))
	switch {
	case err != nil:
		return nil, reason(err)
	case len(content) > maxFile:
		return nil, errors.New("it is larger than 16 MiB")
	case int64(len(content)) > f.left:
		return nil, errors.New("the files of this catalog are larger than 256 MiB")
	}
	f.left -= int64(len(content))
	return content, nil
}

// reason is an error without its path, in plain words.
func reason(err error) error {
	var pathError *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("no such file")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("no permission to read it")
	case errors.As(err, &pathError) && strings.Contains(pathError.Err.Error(), "escapes"):
		return errors.New("it is not below the folder of the catalog file")
	case errors.As(err, &pathError):
		return pathError.Err
	}
	return err
}
