// Package brokerfile reads the files of a hub and of an agent, and notices that they change.
//
// The files decide who may do what, and taking something away must not be lost. When a changed file
// has a problem, what it says as before goes on, and all that it says differently or not at all is out
// of use. A file that cannot be read, or is no YAML, says nothing: after Grace all access ends.
package brokerfile

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/secret"
)

// Error means that a file is wrong.
type Error struct {
	Problems config.Problems
	Source   []byte // of the file, without secrets
	// Root is what the file says; nil when it is no YAML.
	Root *config.Node
}

// Error returns the problems, one on each line.
func (e *Error) Error() string { return e.Problems.Error() }

// Unwrap returns the problems.
func (e *Error) Unwrap() error { return e.Problems }

// Options are how a file is read.
type Options struct {
	// Format is the kind of file that is read; hub.Read and agent.Read set it.
	Format config.Format
	Lookup func(string) (string, bool)
	// UserAgent, Redactor and Log are for the providers of secrets that are servers.
	UserAgent string
	Redactor  *redact.Redactor
	Log       *slog.Logger
	// Context ends the reading of secrets; nil does not end it.
	Context context.Context
	// Check returns what else is wrong with what was decoded, also when there are problems already, and
	// asks config.CheckOrigins for each part that sends secrets; nil checks nothing.
	Check func(root *config.Node) config.Problems
}

// Document is a file that was read.
type Document struct {
	Root     *config.Node
	Warnings config.Problems
	Source   []byte // without secrets
}

// Read decodes a file, with the secrets of its secrets block. It returns an *Error with all problems
// when the file is wrong, and a *fault.StateError when other users may change it: the file decides
// what may be done.
func Read(path string, into any, o Options) (*Document, error) {
	if err := checkMode(path); err != nil {
		return nil, err
	}
	doc, problems := config.Load(path)
	broken := problems.HasErrors()
	if p, ok := doc.Mistaken(o.Format); ok {
		problems = append(problems, p)
	} else if !broken || len(doc.Root().Entries()) > 0 {
		vars := &config.Variables{Lookup: o.Lookup, Context: o.Context}
		_, found := secret.Use(doc.Root().Get("secrets"), vars, secret.Settings{Folder: filepath.Dir(path),
			UserAgent: o.UserAgent, Redactor: o.Redactor, Log: o.Log})
		problems = append(problems, found...)
		problems = append(problems, config.Decode(doc.Root(), into, vars)...)
		if o.Check != nil {
			problems = append(problems, o.Check(doc.Root())...)
		}
		problems = append(problems, vars.Unsent()...)
		problems = doc.Certain(problems)
	}
	problems = problems.Sorted()
	if problems.HasErrors() {
		e := &Error{Problems: problems, Source: doc.Source()}
		if !broken {
			e.Root = doc.Root()
		}
		return nil, e
	}
	return &Document{doc.Root(), problems, doc.Source()}, nil
}

func checkMode(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o022 != 0 && runtime.GOOS != "windows" {
		return &fault.StateError{Err: fmt.Errorf("%s can be changed by other users: its mode is %04o", path,
			info.Mode().Perm()), Remedy: "chmod go-w " + path + "; it decides what may be done"}
	}
	return nil
}

// Same reports whether two parts of files say the same, wherever they are.
func Same(a, b *config.Node) bool {
	if a.Kind() != b.Kind() || a.Text() != b.Text() || a.IsNull() != b.IsNull() || a.Quoted() != b.Quoted() ||
		len(a.Entries()) != len(b.Entries()) || len(a.Items()) != len(b.Items()) {
		return false
	}
	for _, e := range a.Entries() {
		if !Same(e.Value, b.Get(e.Key)) {
			return false
		}
	}
	for i, item := range a.Items() {
		if !Same(item, b.Items()[i]) {
			return false
		}
	}
	return true
}
