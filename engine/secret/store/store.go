package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Store is a store file and the identity that opens it. It is safe for concurrent use, also
// by several processes.
type Store struct {
	path       string
	identities []age.Identity
}

// Entry is one secret of a store without its value.
type Entry struct {
	Name string `json:"name"`
	// Origins are where the secret may be sent; none means anywhere.
	Origins []string  `json:"for"`
	Changed time.Time `json:"changed"`
}

// content is what the file holds once it is decrypted.
type content struct {
	Version int `json:"version"`
	// Recipients are the public keys that the file is encrypted for.
	Recipients []string         `json:"recipients,omitempty"`
	Secrets    map[string]value `json:"secrets"`
}

type value struct {
	Value   string    `json:"value"`
	For     []string  `json:"for,omitempty"`
	Changed time.Time `json:"changed"`
}

const (
	version   = 1
	maxFile   = 4 << 20
	maxValue  = 64 << 10
	maxName   = 128
	keyPrefix = "AGE-SECRET-KEY-"
)

// New returns the store at a path. identity is the text of an identity file; it is an error
// if no line of it is an age identity. The file is not read.
func New(path, identity string) (*Store, error) {
	ids, err := age.ParseIdentities(strings.NewReader(identity))
	if err != nil { // the error of the library may quote the line
		return nil, fault.Errorf(fault.Fatal, "it begins with "+keyPrefix+"1; pipe secret init and age-keygen create one",
			"the identity of the secret store is not an age identity")
	}
	return &Store{path, ids}, nil
}

// Path is the file of the store.
func (s *Store) Path() string { return s.path }

// Get returns the secret of a name.
func (s *Store) Get(name string) (config.SecretText, error) {
	c, err := s.read()
	if err != nil {
		return config.SecretText{}, err
	}
	v, ok := c.Secrets[name]
	if !ok {
		hint := "add it: pipe secret set FILE " + name
		if near := config.Nearest(name, c.names()); near != "" {
			hint = "did you mean " + near + "? Or " + hint
		}
		return config.SecretText{}, fault.Errorf(fault.Fatal, hint, "%s has no secret %q", s.path, name)
	}
	return config.SecretText{Text: v.Value, Origins: v.For}, nil
}

// Has reports whether the store has a secret of a name.
func (s *Store) Has(name string) (bool, error) {
	c, err := s.read()
	if err != nil {
		return false, err
	}
	_, ok := c.Secrets[name]
	return ok, nil
}

// List returns the secrets by name, without their values.
func (s *Store) List() ([]Entry, error) {
	c, err := s.read()
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, name := range c.names() {
		out = append(out, c.Secrets[name].entry(name))
	}
	return out, nil
}

func (v value) entry(name string) Entry { return Entry{name, append([]string{}, v.For...), v.Changed} }

func (c *content) names() []string {
	var out []string
	for name := range c.Secrets {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// read decrypts the file.
func (s *Store) read() (*content, error) {
	text, err := os.ReadFile(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Errorf(fault.Fatal, "create it: pipe secret init FILE", "the secret store %s does not exist",
			s.path)
	case err != nil:
		return nil, fmt.Errorf("read the secret store: %w", err)
	case len(text) > maxFile:
		return nil, damaged(s.path, "is larger than 4 MiB")
	}
	plain, err := decrypt(text, s.identities)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, fault.Errorf(fault.Fatal, "use the identity that created the store, or the one it was rekeyed for",
			"the identity does not open the secret store %s", s.path)
	case err != nil:
		return nil, damaged(s.path, "is damaged, or is not a file of age")
	}
	var c content
	switch err := codec.Unmarshal(plain, &c); {
	case err != nil:
		return nil, damaged(s.path, "does not contain the JSON of a secret store")
	case c.Version != version:
		return nil, fault.Errorf(fault.Fatal, "use the version of pipe that wrote it",
			"the secret store %s has version %d; this program reads version %d", s.path, c.Version, version)
	}
	return &c, nil
}

func damaged(path, what string) error {
	return fault.Errorf(fault.Fatal, "restore an earlier version of the file", "the secret store %s %s", path, what)
}

// decrypt opens a file that is armored or binary.
func decrypt(text []byte, ids []age.Identity) ([]byte, error) {
	var in io.Reader = bytes.NewReader(text)
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	r, err := age.Decrypt(in, ids...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
