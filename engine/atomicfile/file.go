package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DefaultMode is the default mode of a file: only the owner may read it.
const DefaultMode fs.FileMode = 0o600

// Options describe the new version of a file. The zero value is ready to use.
type Options struct {
	// Mode is the mode of the file, regardless of the umask; 0 means DefaultMode.
	Mode fs.FileMode
	// Temporary is the name of the temporary file, in the folder of the file. A * becomes a
	// random string, which keeps several writers apart; the caller removes what a killed writer
	// left. Without *, the next writer replaces what a killed writer left, and of two writers
	// at once one fails. The default is .NAME.new, without *.
	Temporary string
}

// File is the new version of a file while it is written. Call Commit or Abort; Abort after
// Commit does nothing.
type File struct {
	*os.File
	path string
	made os.FileInfo // of the temporary file
}

// Create opens the temporary file for a new version of path.
func Create(path string, o Options) (*File, error) {
	f, err := o.open(path)
	if err != nil {
		return nil, err
	}
	a := &File{File: f, path: path}
	if a.made, err = f.Stat(); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	if o.Mode != 0 && o.Mode != DefaultMode {
		if err := f.Chmod(o.Mode); err != nil {
			a.Abort()
			return nil, err
		}
	}
	return a, nil
}

func (o Options) open(path string) (*os.File, error) {
	dir, name := filepath.Dir(path), o.Temporary
	if name == "" {
		name = "." + strings.ReplaceAll(filepath.Base(path), "*", "_") + ".new"
	}
	if strings.Contains(name, "*") {
		return os.CreateTemp(dir, name) // mode 0600
	}
	name = filepath.Join(dir, name)
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, DefaultMode) // O_EXCL follows no symlink
}

// Commit replaces the old version with the new one. When it fails, the old version stays, and
// so does the temporary file until Abort.
func (f *File) Commit() error {
	if err := errors.Join(f.Sync(), f.Close(), f.own()); err != nil {
		return err
	}
	if err := rename(f.Name(), f.path); err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(f.path)); err == nil {
		_ = dir.Sync() // some systems cannot sync a folder
		dir.Close()
	}
	return nil
}

// own returns an error when another writer has taken the name of the temporary file.
func (f *File) own() error {
	if named, err := os.Lstat(f.Name()); err != nil || !os.SameFile(f.made, named) {
		return fmt.Errorf("replace %s: another process writes it at the same time", f.path)
	}
	return nil
}

// Abort removes the temporary file. The old version stays.
func (f *File) Abort() {
	f.Close()
	if f.own() == nil {
		os.Remove(f.Name())
	}
}

// Replace replaces path with the output of write. When write fails, Replace returns its error
// and leaves path unchanged.
func Replace(path string, o Options, write func(io.Writer) error) error {
	f, err := Create(path, o)
	if err != nil {
		return err
	}
	return Fill(f, write)
}

// Version is a new version of a file while it is written; a File is one.
type Version interface {
	io.Writer
	Commit() error
	Abort() // does nothing after Commit
}

// Fill writes the output of write to a new version and commits it. When either fails, Fill returns
// the error and aborts the version.
func Fill(v Version, write func(io.Writer) error) error {
	defer v.Abort()
	w := bufio.NewWriter(v)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return v.Commit()
}
