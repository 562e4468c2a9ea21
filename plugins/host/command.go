package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pipe-engine/pipe/engine"
)

// Checksum is the SHA-256 of a file in hexadecimal.
func Checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return "", err
	} else if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", path)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// program is the absolute path of the program.
func (o *Options) program() string { return o.path(o.Command[0]) }

func (o *Options) path(name string) string {
	if !filepath.IsAbs(name) {
		name = filepath.Join(o.Folder, name)
	}
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// Files are the files that the command names: the program, and each argument
// that is the path of a file.
func (o *Options) Files() []string {
	files := []string{o.program()}
	for _, arg := range o.Command[1:] {
		if info, err := os.Stat(o.path(arg)); arg != "" && err == nil && info.Mode().IsRegular() {
			files = append(files, o.path(arg))
		}
	}
	return files
}

// label is what the plugin is called until it has told its name: the last file
// of its command, without folders and ending.
func (o *Options) label() string {
	if len(o.Command) == 0 {
		return o.Name
	}
	files := o.Files()
	base := filepath.Base(files[len(files)-1])
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// verify refuses a command whose program is missing or cannot be run, and files
// that are not the pinned ones.
func (o *Options) verify() error {
	if len(o.Command) == 0 {
		return engine.Errorf(engine.Fatal, "", "the command names no file")
	}
	path := o.program()
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return engine.Errorf(engine.Fatal, "a relative path starts from the folder of the pipeline file; name a program such as python3 by its absolute path", "%s: there is no such file", path)
	case err != nil:
		return engine.Errorf(engine.Fatal, "", "%s: it cannot be read: %v", path, plain(err))
	case info.IsDir():
		return engine.Errorf(engine.Fatal, "name the file in it", "%s: this is a folder", path)
	case !info.Mode().IsRegular():
		return engine.Errorf(engine.Fatal, "", "%s: this is not a file", path)
	case info.Mode()&0o111 == 0:
		return engine.Errorf(engine.Fatal, "chmod +x "+path+", or name its interpreter first: command: [/usr/bin/python3, "+filepath.Base(path)+"]", "%s: it may not be run, since its run bit is not set", path)
	}
	for _, arg := range o.Command[1:] {
		if info, err := os.Stat(o.path(arg)); arg != "" && err == nil && info.IsDir() && len(o.Sums) > 0 {
			return engine.Errorf(engine.Fatal, "name the file in it that is to run", "%s: this is a folder, whose files no checksum covers", o.path(arg))
		}
	}
	return o.verifySums()
}

func (o *Options) verifySums() error {
	files := o.Files()
	if len(o.Sums) == 0 {
		if o.Unpinned {
			return nil
		}
		return engine.Errorf(engine.Fatal, "add sha256 to its block, or run with --allow-unpinned while you work on the plugin", "%s: it has no checksum", files[0])
	}
	if len(files) != len(o.Sums) {
		return engine.Errorf(engine.Fatal, "write sha256 as a list with a checksum for each, in this order", "the command names %d files (%s), and sha256 has %d", len(files), strings.Join(files, ", "), len(o.Sums))
	}
	for i, file := range files {
		sum, err := Checksum(file)
		if err != nil {
			return engine.Errorf(engine.Fatal, "", "%s: it cannot be read: %v", file, plain(err))
		}
		if sum != o.Sums[i] {
			return engine.Errorf(engine.Fatal, "if you trust the file as it is now, write sha256: "+sum, "%s: its checksum is %s…, and the pipeline file pins %s…: it was not started", file, sum[:12], o.Sums[i][:12])
		}
	}
	return nil
}

// environment is all that the plugin gets of pipe's.
func (o *Options) environment() []string {
	var env []string
	for _, name := range append([]string{"PATH", "HOME"}, o.Env...) {
		if value, ok := o.Lookup(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// plain leaves the path out of a file's error.
func plain(err error) error {
	var bad *fs.PathError
	if errors.As(err, &bad) {
		return bad.Err
	}
	return err
}
