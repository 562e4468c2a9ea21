package config

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Variables answers for ${NAME} and ${file:PATH}. One value serves all files
// and nodes of a program and remembers what it was asked; it is not safe for
// concurrent use.
type Variables struct {
	// Lookup is the value of a variable; nil means that none is set.
	Lookup func(name string) (value string, ok bool)
	// ReadFile reads the file of a secret; nil is the file system.
	ReadFile func(path string) ([]byte, error)
	// Secret returns the secret of a ${secret:NAME}. With again it asks the provider,
	// even if it has the answer. nil means that the file has no provider. An error that
	// is a *SecretError becomes the problem's message and hint.
	Secret func(ctx context.Context, name string, again bool) (SecretText, error)
	// SecretKey returns the key of a ${secret:NAME} with its provider, the same for each spelling of
	// a secret; nil means that there is one spelling.
	SecretKey func(name string) string
	// Context ends Secret while a file is decoded; nil does not end it.
	Context context.Context
	// CheckSecret returns the *SecretError of a name that no provider of the file can have.
	// It asks none, and may be nil.
	CheckSecret func(name string) error
	// Keep returns the secret of a SignIn. Without read it checks the name alone, opens
	// nothing and returns nil. nil means that the file has no secret store.
	Keep func(name string, read bool) (Kept, *SecretError)
	// SignIns is what to do with each SignIn that the file names.
	SignIns SignIns
	// Lenient leaves values unresolved whose variable is not set.
	Lenient bool
	// SkipSecrets leaves secrets from a file or a provider unresolved: nothing is read, opened
	// or started. A file of a stranger can then be checked.
	SkipSecrets bool
	// Readable reports whether a file may be read that a setting names, such as an icon. A
	// setting with any other file is left unresolved. nil allows every file.
	Readable func(path string) bool

	used       map[string]Variable
	unresolved map[string]bool
	skipped    map[string]bool // by SkipSecrets
	limits     []*limit
	owned      map[string]bool // what the secrets of connections are named by
	lent       []lent
}

// readable reports whether a file may be read.
func (v *Variables) readable(path string) bool { return v.Readable == nil || v.Readable(path) }

// Leniently runs a part of the decoding with Lenient and SkipSecrets set when when is
// true.
func (v *Variables) Leniently(when bool, decode func()) {
	lenient, skip := v.Lenient, v.SkipSecrets
	v.Lenient, v.SkipSecrets = lenient || when, skip || when
	decode()
	v.Lenient, v.SkipSecrets = lenient, skip
}

// Variable is what is known about a name after decoding.
type Variable struct {
	Name       string
	Set        bool
	HasDefault bool // wherever it is used
	Secret     bool // a secret field uses it
	// Default is what the file writes after :- at the first use, "" for a
	// secret.
	Default string
	Pos     Pos // the first use
}

// Used are the variables that interpolation met, by name.
func (v *Variables) Used() []Variable {
	out := make([]Variable, 0, len(v.used))
	for _, u := range v.used {
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b Variable) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Unresolved says that the value at a path of the file, or one below it, could
// not be known: its variable is not set and Lenient is. Optional variables
// (${NAME:-}) that are not set count too.
func (v *Variables) Unresolved(path string) bool {
	for p := range v.unresolved {
		if p == path || path == "" || strings.HasPrefix(p, path+".") {
			return true
		}
	}
	return false
}

// Skipped reports whether the value at a path of the file was not read because of
// SkipSecrets.
func (v *Variables) Skipped(path string) bool { return v.skipped[path] }

func (v *Variables) use(u Variable) {
	if before, ok := v.used[u.Name]; ok {
		u.HasDefault = u.HasDefault && before.HasDefault
		u.Secret = u.Secret || before.Secret
		if before.Pos.compare(u.Pos) < 0 {
			u.Pos, u.Default = before.Pos, before.Default
		}
		if u.Secret || !u.HasDefault {
			u.Default = ""
		}
	}
	if v.used == nil {
		v.used = map[string]Variable{}
	}
	v.used[u.Name] = u
}

func (v *Variables) lookup(name string) (string, bool) {
	if v.Lookup == nil {
		return "", false
	}
	return v.Lookup(name)
}

// context is Context, never nil.
func (v *Variables) context() context.Context {
	if v.Context == nil {
		return context.Background()
	}
	return v.Context
}

const maxSecretFile = 64 << 10

// readSecret reads the file of a ${file:PATH} in n; shown is what an error calls the file. An
// error is a valueError and never carries content.
func (v *Variables) readSecret(n *Node, path, shown string) (string, error) {
	wrong := func(what string) (string, error) {
		return "", valueError{"the file " + quote(shown) + " " + what, "the file must contain only the secret"}
	}
	if path == "" {
		return "", valueError{"the path of the file is empty", "write ${file:PATH}"}
	}
	path = n.fromFolder(path)
	records := v.ReadFile
	if records == nil {
		records = readLimited
	}
	data, err := records(path)
	var pathError *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", valueError{"the file " + quote(shown) + " does not exist", "a relative path starts from the folder of " +
			"the pipeline file"}
	case errors.As(err, &pathError):
		return wrong("cannot be read: " + pathError.Err.Error())
	case err != nil:
		return wrong("cannot be read")
	case len(data) > maxSecretFile:
		return wrong("has more than 64 KiB")
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return wrong("is empty")
	}
	return text, nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSecretFile+1))
}
