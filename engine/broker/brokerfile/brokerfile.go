// Package brokerfile reads the files of a hub and of an agent.
package brokerfile

import (
	"fmt"
	"os"
	"runtime"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Error means that a file is wrong.
type Error struct {
	Problems config.Problems
	Source   []byte // of the file, without secrets
}

// Error returns the problems, one on each line.
func (e *Error) Error() string { return e.Problems.Error() }

// Unwrap returns the problems.
func (e *Error) Unwrap() error { return e.Problems }

// Read decodes a file. It returns an *Error when the file is wrong, and a *fault.StateError when
// other users may change it: the file decides what may be done.
func Read(path string, into any, lookup func(string) (string, bool)) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o022 != 0 && runtime.GOOS != "windows" {
		return &fault.StateError{Err: fmt.Errorf("%s can be changed by other users: its mode is %04o", path,
			info.Mode().Perm()), Remedy: "chmod go-w " + path + "; it decides what may be done"}
	}
	doc, problems := config.Load(path)
	if !problems.HasErrors() {
		problems = append(problems, config.Decode(doc.Root(), into, &config.Variables{Lookup: lookup})...)
	}
	if problems.HasErrors() {
		return &Error{problems.Sorted().Errors(), doc.Source()}
	}
	return nil
}
