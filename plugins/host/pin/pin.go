package pin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/plugins/host/launch"
)

// Copies is the name of the folder with the copies, within the folder of a process.
const Copies = "files"

// Pinned compares the files that the command names with their checksums and returns the
// command to start, without its environment. A file that someone other than root and the
// user who runs pipe can change is copied into the folder while it is hashed, and the copy
// is started. copied reports whether there is such a file.
func (c *Command) Pinned(folder string) (run launch.Command, copied bool, err error) {
	run = launch.Command{
		Path: c.Program(), Args: append([]string{c.Program()}, c.Words[1:]...),
		Dir: c.path("."), Folder: folder,
	}
	files := c.named()
	if err := c.checkCount(files); err != nil || len(c.Sums) == 0 {
		return run, false, err
	}
	folders := map[string]string{} // copies by their original file
	for i, file := range files {
		path := file.path
		if !settled(path) {
			from := filepath.Dir(path)
			if folders[from] == "" {
				folders[from] = filepath.Join(folder, Copies, strconv.Itoa(len(folders)))
			}
			path = filepath.Join(folders[from], filepath.Base(path))
		}
		sum, err := hashed(file.path, path)
		if err != nil {
			return run, false, fault.Errorf(fault.Fatal, "", "%s: it cannot be read: %v", file.path, plain(err))
		}
		if sum != c.Sums[i] {
			return run, false, fault.Errorf(fault.Fatal,
				"if you trust the file as it is now, write sha256: "+sum+", as `pipe plugin checksum` prints it",
				"%s: its checksum is %s…, but the pipeline file pins %s…: it was not started", file.path,
				sum[:12], c.Sums[i][:12])
		}
		if file.word == 0 {
			run.Path = path
		} else {
			run.Args[file.word] = file.before + path
		}
	}
	for from, to := range folders {
		link(from, to)
	}
	return run, len(folders) > 0, nil
}

// Checksum returns the SHA-256 of a file in hexadecimal.
func Checksum(path string) (string, error) { return hashed(path, path) }

// openFile opens a regular file and refuses folders and devices.
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

// hashed returns the checksum of a file. It copies the hashed bytes to copied, unless that
// is the file itself.
func hashed(path, copied string) (string, error) {
	in, err := openFile(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	h := sha256.New()
	to := io.Writer(h)
	if copied != path {
		if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
			return "", err
		}
		out, err := os.OpenFile(copied, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o700)
		if err != nil {
			return "", err
		}
		defer out.Close()
		to = io.MultiWriter(h, out)
	}
	if _, err := io.Copy(to, in); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// link links the other files of a file's folder next to its copy, where a script looks for
// them. No checksum covers them.
func link(from, to string) {
	neighbours, err := os.ReadDir(from)
	if err != nil {
		return // it finds none
	}
	for _, n := range neighbours {
		os.Symlink(filepath.Join(from, n.Name()), filepath.Join(to, n.Name())) // an existing one is a copy
	}
}
