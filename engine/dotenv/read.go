package dotenv

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// MaxSize is the maximum size of a file.
const MaxSize = 1 << 20

// pipeTimeout is how long another program may take to write to a pipe that is given as the
// file, as in --env-file <(sops -d secrets.env).
const pipeTimeout = time.Minute

// Untrusted reports a file that another user may have written.
type Untrusted struct{ Path, Message, Hint string }

// Error returns the path and the message.
func (e *Untrusted) Error() string { return e.Path + ": " + e.Message }

// Read reads a file of variables; see Parse. It refuses a file that any user may write, or that
// belongs to neither the caller nor root, since the writer of the file decides where
// credentials are sent. A pipe that no program writes and closes within a minute is an error.
func Read(path string, environment func(string) (string, bool)) (*File, error) {
	return readWithin(pipeTimeout, path, environment)
}

func readWithin(limit time.Duration, path string, environment func(string) (string, bool)) (*File, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // opening a pipe blocks until a writer opens it
		text, err := read(path)
		done <- result{text, err}
	}()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		return Parse(path, r.text, environment)
	case <-timeout.C:
		return nil,
			&fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("no program wrote to this pipe and closed it "+
				"within %v", limit)}
	}
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is a folder")}
	}
	if err := trusted(path, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err == nil && len(text) > MaxSize {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("it has more than 1 MiB")}
	}
	return text, err
}
