package play

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/fault"
)

// maxFile is the size of the largest file in bytes, and of the largest text.
const maxFile = 256 << 10

// content is a file as it was read.
type content struct {
	text string // with LF at the ends of lines, as a browser has them
	eol  string // in the file
	hash string
	mode os.FileMode // its permissions
	// unsavable is why the file cannot be saved; "" when it can.
	unsavable string
}

// read reads a file, whose path has no links: a link that replaced the file is not followed.
func read(path string) (*content, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, &fault.Invalid{Reason: err.Error(), Remedy: "name a pipeline file"}
	case !info.Mode().IsRegular():
		return nil, &fault.Invalid{Reason: path + " is not a file", Remedy: "name a pipeline file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &fault.Invalid{Reason: err.Error(), Remedy: "let the user of pipe read it"}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, &fault.Invalid{Reason: fmt.Sprintf("%s has more than %d KiB", path, maxFile>>10),
			Remedy: "use an editor with pipe lsp"}
	}
	sum := sha256.Sum256(b)
	c := &content{text: strings.ReplaceAll(string(b), "\r\n", "\n"), eol: "\n", hash: hex.EncodeToString(sum[:]),
		mode: info.Mode().Perm()}
	if c.text != string(b) {
		c.eol = "\r\n"
	}
	switch {
	case !utf8.Valid(b) || strings.Contains(c.text, "\x00"):
		c.unsavable = "the file is not text in UTF-8"
	case c.file(c.text) != string(b) || strings.Contains(c.text, "\r"):
		c.unsavable = "the lines of the file end in different ways, which a browser does not keep"
	}
	return c, nil
}

// file returns a text with the ends of lines that the file has.
func (c *content) file(text string) string { return strings.ReplaceAll(text, "\n", c.eol) }

// conflict is why a file is not saved.
type conflict struct{ text string }

func (c conflict) Error() string { return c.text }

// save replaces the file with a text, unless it is not as it was read, and returns its new hash. path has
// no links.
func save(path, text, hash string) (string, error) {
	was, err := read(path)
	switch {
	case err != nil:
		return "", conflict{"The file cannot be read any more: " + err.Error() + ". Nothing was saved; copy the text."}
	case was.hash != hash:
		return "", conflict{"The file has changed on disk since this page read it, so nothing was saved. " +
			"Copy your changes, and load the page again."}
	case was.unsavable != "":
		return "", conflict{"Nothing was saved: " + was.unsavable + "."}
	}
	written := was.file(text)
	if err := atomicfile.Replace(path, atomicfile.Options{Mode: was.mode}, func(w io.Writer) error {
		_, err := io.WriteString(w, written)
		return err
	}); err != nil {
		return "", fmt.Errorf("save %s: %w", path, err)
	}
	sum := sha256.Sum256([]byte(written))
	return hex.EncodeToString(sum[:]), nil
}

// resolve returns the path of a file without links.
func resolve(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err == nil {
		whole, err = filepath.EvalSymlinks(whole)
	}
	var missing *os.PathError
	if errors.As(err, &missing) {
		return "", &fault.Invalid{Reason: path + ": " + missing.Err.Error(), Remedy: "name a pipeline file"}
	}
	return whole, err
}
