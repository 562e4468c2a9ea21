package signin

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/pipe-engine/pipe/engine/fault"
)

// maxPrivate is the maximum size of a file with secrets or tokens in bytes.
const maxPrivate = 16 << 20

// readPrivate returns the content of a file that only its owner may use. It returns a
// *fault.StateError when other users of the machine may read or change it; exposed says what to
// do then, after its mode was corrected.
func readPrivate(path, exposed string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fault.StateError{Err: err, Remedy: "check the name of the file"}
	}
	if err != nil {
		return nil, &fault.StateError{Err: err, Remedy: "make the file readable for this user"}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, &fault.StateError{Err: fmt.Errorf("%s can be used by other users: its mode is %04o", path, mode),
			Remedy: "chmod 600 " + path + "; " + exposed}
	}
	b, err := io.ReadAll(io.LimitReader(file, maxPrivate))
	if err != nil {
		return nil, &fault.StateError{Err: err, Remedy: "check the file"}
	}
	return b, nil
}

// watched is a file that is read again when it changed.
type watched struct {
	path string
	read bool
	info os.FileInfo // of the file when it was read; nil when it was missing
}

// changed reports whether the file must be read: the first time, and when it is another one than
// before. A writer replaces a file.
func (w *watched) changed() bool {
	now, err := os.Stat(w.path)
	if err != nil {
		now = nil
	}
	if w.read && (now == nil && w.info == nil || now != nil && w.info != nil && os.SameFile(now, w.info) &&
		now.ModTime().Equal(w.info.ModTime()) && now.Size() == w.info.Size() && now.Mode() == w.info.Mode()) {
		return false
	}
	w.read, w.info = true, now
	return true
}

// ReadSecret returns the secret that is the only line of a file. It returns a *fault.StateError
// when the file is missing or empty, has several lines, or can be used by other users.
func ReadSecret(path string) (string, error) {
	b, err := readPrivate(path, "if others may have read it, replace the secret")
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" || strings.ContainsAny(secret, "\r\n") {
		return "", &fault.StateError{Err: fmt.Errorf("%s is not one line with a secret", path),
			Remedy: "write the secret alone into the file"}
	}
	return secret, nil
}
