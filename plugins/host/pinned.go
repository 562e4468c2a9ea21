package host

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pipe-engine/pipe/engine/fault"
)

// command is what is started.
type command struct {
	path   string   // of the program
	args   []string // with the program's name first
	env    []string
	dir    string // where it runs
	folder string // removed when it has ended
	copied bool   // whether one of its files is a copy
}

// copies is where in the folder of a process the copies stand.
const copies = "files"

// command holds the files that the command names against their checksums, and
// gives what is to be started: a file that others than root and the user who
// runs pipe can change is copied into the folder as it was hashed, so that what
// runs is what was hashed.
func (o *Options) command(folder string) (command, error) {
	c := command{
		path: o.program(), args: append([]string{o.program()}, o.Command[1:]...),
		env: o.environment(), dir: o.path("."), folder: folder,
	}
	files := o.named()
	if err := o.checkCount(files); err != nil || len(o.Sums) == 0 {
		return c, err
	}
	folders := map[string]string{} // of the copies, by that of the files
	for i, file := range files {
		path := file.path
		if !settled(path) {
			from := filepath.Dir(path)
			if folders[from] == "" {
				folders[from] = filepath.Join(folder, copies, strconv.Itoa(len(folders)))
			}
			path = filepath.Join(folders[from], filepath.Base(path))
		}
		sum, err := hashed(file.path, path)
		if err != nil {
			return c, fault.Errorf(fault.Fatal, "", "%s: it cannot be read: %v", file.path, plain(err))
		}
		if sum != o.Sums[i] {
			return c, fault.Errorf(fault.Fatal, "if you trust the file as it is now, write sha256: "+sum+", as `pipe plugin checksum` prints it", "%s: its checksum is %s…, and the pipeline file pins %s…: it was not started", file.path, sum[:12], o.Sums[i][:12])
		}
		if file.word == 0 {
			c.path = path
		} else {
			c.args[file.word] = file.before + path
		}
	}
	for from, to := range folders {
		link(from, to)
	}
	c.copied = len(folders) > 0
	return c, nil
}

// hashed is the checksum of a file, which is copied as it is read, unless the
// copy is the file.
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

// link gives a copy the neighbours that its file has, which no checksum covers:
// a script finds them below its own path.
func link(from, to string) {
	neighbours, err := os.ReadDir(from)
	if err != nil {
		return // it finds none
	}
	for _, n := range neighbours {
		os.Symlink(filepath.Join(from, n.Name()), filepath.Join(to, n.Name())) // what is there already is a copy
	}
}
