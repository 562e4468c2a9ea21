package pin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/fault"
)

// Command is a plugin's program as the pipeline file names it.
type Command struct {
	Words    []string // the program and its arguments
	Folder   string   // where relative paths start
	Sums     []string // of the files that the words name, in order
	Unpinned bool     // whether it may start without Sums
}

// Program returns the absolute path of the program.
func (c *Command) Program() string { return c.path(c.Words[0]) }

func (c *Command) path(name string) string {
	if !filepath.IsAbs(name) {
		name = filepath.Join(c.Folder, name)
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

// named returns the files that the command names: the program, and each argument
// that is the path of a file or ends with one after a =.
func (c *Command) named() []named {
	files := []named{{path: c.Program()}}
	for i, word := range c.Words[1:] {
		if before, path, info := c.argument(word); info != nil && info.Mode().IsRegular() {
			files = append(files, named{i + 1, before, path})
		}
	}
	return files
}

// argument returns the file or folder that an argument names; info is nil when it
// names neither.
func (c *Command) argument(word string) (before, path string, info fs.FileInfo) {
	name, value, isFlag := strings.Cut(word, "=")
	for _, try := range [][2]string{{"", word}, {name + "=", value}} {
		if try[1] == "" || try[0] != "" && !isFlag {
			continue
		}
		path = c.path(try[1])
		if info, err := os.Stat(path); err == nil {
			return try[0], path, info
		}
	}
	return "", "", nil
}

// Files returns the paths of the files that the command names, in the order of
// their checksums.
func (c *Command) Files() (paths []string) {
	for _, file := range c.named() {
		paths = append(paths, file.path)
	}
	return paths
}

// general matches interpreters: pinning them does not pin the code that they run.
var general = regexp.MustCompile(`^(python|pypy|node|nodejs|deno|bun|ruby|perl|php|lua|java|dotnet|pwsh|Rscript` +
	`|sh|bash|dash|zsh|ksh|busybox|env|npx|uv|uvx` +
	`|unshare|setpriv|timeout|nice|bwrap|firejail|systemd-run)[0-9.]*(\.exe)?$`)

// InterpreterOnly reports whether the checksums cover only interpreters, as in
// [/usr/bin/python3, -m, ours].
func (c *Command) InterpreterOnly() bool {
	if len(c.Words) < 2 {
		return false
	}
	files := c.Files()
	return len(c.Sums) == len(files) &&
		!slices.ContainsFunc(files, func(path string) bool { return !general.MatchString(filepath.Base(path)) })
}

// Label names the plugin before it has named itself: the last file of its command,
// without folders and extension. It is "" for an empty command.
func (c *Command) Label() string {
	if len(c.Words) == 0 {
		return ""
	}
	files := c.Files()
	base := filepath.Base(files[len(files)-1])
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// Verify refuses a command whose program is missing or cannot be run, or that
// names a folder, which no checksum covers.
func (c *Command) Verify() error {
	if len(c.Words) == 0 {
		return fault.Errorf(fault.Fatal, "", "the command names no file")
	}
	path := c.Program()
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Errorf(fault.Fatal,
			"a relative path starts from the folder of the pipeline file; name a program such as python3 by its absolute path",
			"%s: there is no such file", path)
	case err != nil:
		return fault.Errorf(fault.Fatal, "", "%s: it cannot be read: %v", path, plain(err))
	case info.IsDir():
		return fault.Errorf(fault.Fatal, "name the file in it", "%s: this is a folder", path)
	case !info.Mode().IsRegular():
		return fault.Errorf(fault.Fatal, "", "%s: this is not a file", path)
	case info.Mode()&0o111 == 0:
		return fault.Errorf(fault.Fatal,
			"chmod +x "+path+", or name its interpreter first: command: [/usr/bin/python3, "+filepath.Base(path)+"]",
			"%s: it is not executable", path)
	}
	for _, word := range c.Words[1:] {
		if _, path, info := c.argument(word); info != nil && info.IsDir() && len(c.Sums) > 0 {
			return fault.Errorf(fault.Fatal, "name the file in it to run",
				"%s: this is a folder, and a checksum does not cover its files", path)
		}
	}
	return nil
}

// checkCount refuses a command that has not one checksum for each file.
func (c *Command) checkCount(files []named) error {
	switch {
	case len(c.Sums) == 0 && !c.Unpinned:
		return fault.Errorf(fault.Fatal,
			"add sha256 to its block, or run with --allow-unpinned while you work on the plugin",
			"%s: it has no checksum", files[0].path)
	case len(c.Sums) > 0 && len(files) != len(c.Sums):
		return fault.Errorf(fault.Fatal, "write sha256 as a list with a checksum for each, in this order",
			"the command names %d files (%s), but sha256 has %d", len(files), strings.Join(c.Files(), ", "),
			len(c.Sums))
	}
	return nil
}

// plain returns the error of a file without its path.
func plain(err error) error {
	var bad *fs.PathError
	if errors.As(err, &bad) {
		return bad.Err
	}
	return err
}
