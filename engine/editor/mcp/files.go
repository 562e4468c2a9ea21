package mcp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pipe-engine/pipe/engine/fault"
)

// The largest files that are read.
const (
	maxPipeline = 1 << 20  // a pipeline or test file
	maxInput    = 16 << 20 // recorded input, or a golden file
	maxYAML     = 4 << 20  // recorded input in YAML, which takes 80 times its size in memory
	maxOutput   = 64 << 20 // all files of a kept output
)

// files are those below one folder.
type files struct {
	path string // of the folder, absolute
	root *os.Root
}

func openFiles(folder string) (*files, error) {
	path, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &files{path, root}, nil
}

// local returns a path relative to the folder. The error says that it is not below it.
func (f *files) local(path string) (string, error) {
	given := path
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		if below, err := filepath.Rel(f.path, path); err == nil {
			path = below
		}
	}
	if path == "" || !filepath.IsLocal(path) {
		return "", &fault.Invalid{Reason: fmt.Sprintf("%q is not below the folder that pipe mcp serves", given),
			Remedy: "name a file below it, by its path from there"}
	}
	return filepath.Clean(path), nil
}

// open opens a regular file of at most so many bytes. Opening never waits for a pipe.
func (f *files) open(path string, most int64) (*os.File, error) {
	name, err := f.local(path)
	if err != nil {
		return nil, err
	}
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &fault.Invalid{Reason: path + " is not a regular file", Remedy: "name a file"}
	}
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, unreadable(path, err)
	}
	info, err = file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = &fault.Invalid{Reason: path + " is not a regular file", Remedy: "name a file"}
	case info.Size() > most:
		err = tooLarge(path, most)
	default:
		return file, nil
	}
	file.Close()
	return nil, err
}

// read returns the content of a file, never nil without an error.
func (f *files) read(path string, most int64) ([]byte, error) {
	file, err := f.open(path, most)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1)) // it may grow meanwhile
	switch {
	case err != nil:
		return nil, unreadable(path, err)
	case int64(len(text)) > most:
		return nil, tooLarge(path, most)
	case text == nil:
		text = []byte{}
	}
	return text, nil
}

// readInput returns the content of a file of records.
func (f *files) readInput(path string) ([]byte, error) {
	text, err := f.read(path, maxInput)
	if err != nil {
		return nil, err
	}
	start := bytes.TrimLeft(text, "\ufeff \t\r\n")
	if len(text) > maxYAML && len(start) > 0 && start[0] != '{' && start[0] != '[' {
		return nil, &fault.Invalid{Reason: fmt.Sprintf("%s is YAML, and larger than %d MiB", path, maxYAML>>20),
			Remedy: "give the entities as JSON or NDJSON"}
	}
	return text, nil
}

// list returns the paths of the files of a folder whose names end so, sorted.
func (f *files) list(folder, ending string) ([]string, error) {
	name, err := f.local(folder)
	if err != nil {
		return nil, err
	}
	dir, err := f.root.Open(name)
	if err != nil {
		return nil, unreadable(folder, err)
	}
	defer dir.Close()
	const most = 10_000
	names, err := dir.Readdirnames(most)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, unreadable(folder, err)
	}
	var out []string
	for _, one := range names {
		if strings.HasSuffix(one, ending) {
			out = append(out, filepath.Join(name, one))
		}
	}
	slices.Sort(out)
	return out, nil
}

func tooLarge(path string, most int64) error {
	return &fault.Invalid{Reason: fmt.Sprintf("%s is larger than %d MiB", path, most>>20),
		Remedy: "use the command line for it, or a smaller file"}
}

// unreadable returns an error of a file without the folder's own path.
func unreadable(path string, err error) error {
	var why *fs.PathError
	reason := path + " cannot be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		reason = path + " does not exist"
	case errors.Is(err, fs.ErrPermission):
		reason = path + ": no permission to read it"
	case errors.As(err, &why) && strings.Contains(why.Err.Error(), "escapes"):
		return &fault.Invalid{Reason: path + " is a link to a place that is not below the folder that pipe mcp serves",
			Remedy: "name a file below it"}
	}
	return &fault.Invalid{Reason: reason, Remedy: "check the path; it starts from the folder that pipe mcp serves"}
}
