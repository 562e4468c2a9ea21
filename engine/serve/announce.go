package serve

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Announce stores the address of the server that uses a state folder, for other commands on this
// machine. forget removes it again.
func Announce(state, origin string) (forget func() error, err error) {
	path := addressPath(state)
	err = atomicfile.Replace(path, atomicfile.Options{}, func(w io.Writer) error {
		_, err := io.WriteString(w, origin+"\n")
		return err
	})
	return func() error { return os.Remove(path) }, err
}

func addressPath(state string) string { return filepath.Join(Folder(state), "address") }

// Announced returns the address of the server that uses a state folder. It returns a
// *fault.StateError when none does, and when the folder cannot be read.
func Announced(state string) (string, error) {
	lock := flock.New(lockPath(state))
	free, err := lock.TryLock()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", &fault.StateError{
			Err:    fmt.Errorf("it is not known whether a server uses the state folder %s: %w", state, err),
			Remedy: "do this as the user of the server, or check the permissions of the folder"}
	}
	if err != nil || free {
		lock.Unlock()
		return "", &fault.StateError{Err: fmt.Errorf("no server uses the state folder %s now", state),
			Remedy: "start pipe serve, or name its folder with --state DIR"}
	}
	b, err := os.ReadFile(addressPath(state))
	if err != nil {
		return "", &fault.StateError{Err: fmt.Errorf("the server of %s is not ready yet: %w", state, err),
			Remedy: "try again in a moment"}
	}
	return strings.TrimSpace(string(b)), nil
}
