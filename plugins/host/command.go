package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/fault"
)

// Checksum is the SHA-256 of a file in hexadecimal.
func Checksum(path string) (string, error) { return hashed(path, path) }

// openFile opens what is a file, and no folder or device.
func openFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
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

// named is a file that a word of the command names.
type named struct {
	word   int
	before string // of the word, as in --file=PATH
	path   string
}

// named are the files that the command names: the program, and each argument
// that is the path of a file or ends with one after a =.
func (o *Options) named() []named {
	files := []named{{path: o.program()}}
	for i, word := range o.Command[1:] {
		if before, path, info := o.argument(word); info != nil && info.Mode().IsRegular() {
			files = append(files, named{i + 1, before, path})
		}
	}
	return files
}

// argument is what an argument names, nil when that is nothing.
func (o *Options) argument(word string) (before, path string, info fs.FileInfo) {
	name, value, isFlag := strings.Cut(word, "=")
	for _, try := range [][2]string{{"", word}, {name + "=", value}} {
		if try[1] == "" || try[0] != "" && !isFlag {
			continue
		}
		path = o.path(try[1])
		if info, err := os.Stat(path); err == nil {
			return try[0], path, info
		}
	}
	return "", "", nil
}

// Files are the paths of the files that the command names, which sha256 covers
// in this order.
func (o *Options) Files() (paths []string) {
	for _, file := range o.named() {
		paths = append(paths, file.path)
	}
	return paths
}

// general are programs that run what they are told to: their own checksum says
// nothing of what that is.
var general = regexp.MustCompile(`^(python|pypy|node|nodejs|deno|bun|ruby|perl|php|lua|java|dotnet|pwsh|Rscript|sh|bash|dash|zsh|ksh|busybox|env|npx|uv|uvx|unshare|setpriv|timeout|nice|bwrap|firejail|systemd-run)[0-9.]*(\.exe)?$`)

// InterpreterOnly tells whether the checksums cover nothing but interpreters,
// as those of [/usr/bin/python3, -m, ours] do.
func (o *Options) InterpreterOnly() bool {
	return len(o.Command) > 1 && len(o.Sums) == len(o.Files()) && !slices.ContainsFunc(o.Files(), func(path string) bool { return !general.MatchString(filepath.Base(path)) })
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

// verify refuses a command whose program is missing or cannot be run, or that
// names a folder which no checksum covers.
func (o *Options) verify() error {
	if len(o.Command) == 0 {
		return fault.Errorf(fault.Fatal, "", "the command names no file")
	}
	path := o.program()
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Errorf(fault.Fatal, "a relative path starts from the folder of the pipeline file; name a program such as python3 by its absolute path", "%s: there is no such file", path)
	case err != nil:
		return fault.Errorf(fault.Fatal, "", "%s: it cannot be read: %v", path, plain(err))
	case info.IsDir():
		return fault.Errorf(fault.Fatal, "name the file in it", "%s: this is a folder", path)
	case !info.Mode().IsRegular():
		return fault.Errorf(fault.Fatal, "", "%s: this is not a file", path)
	case info.Mode()&0o111 == 0:
		return fault.Errorf(fault.Fatal, "chmod +x "+path+", or name its interpreter first: command: [/usr/bin/python3, "+filepath.Base(path)+"]", "%s: it may not be run, since its run bit is not set", path)
	}
	for _, word := range o.Command[1:] {
		if _, path, info := o.argument(word); info != nil && info.IsDir() && len(o.Sums) > 0 {
			return fault.Errorf(fault.Fatal, "name the file in it that is to run", "%s: this is a folder, whose files no checksum covers", path)
		}
	}
	return nil
}

// checkCount refuses files without checksums.
func (o *Options) checkCount(files []named) error {
	switch {
	case len(o.Sums) == 0 && !o.Unpinned:
		return fault.Errorf(fault.Fatal, "add sha256 to its block, or run with --allow-unpinned while you work on the plugin", "%s: it has no checksum", files[0].path)
	case len(o.Sums) > 0 && len(files) != len(o.Sums):
		return fault.Errorf(fault.Fatal, "write sha256 as a list with a checksum for each, in this order", "the command names %d files (%s), and sha256 has %d", len(files), strings.Join(o.Files(), ", "), len(o.Sums))
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
