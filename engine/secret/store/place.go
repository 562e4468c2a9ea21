package store

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Place is where a pipeline file keeps its store, for the commands that change it.
type Place struct {
	Path string // of the store
	// IdentityFile is the file of the identity, "" when a variable has it.
	IdentityFile string
	identity     string // the text of that variable
}

// located is a Config whose identity is not read.
type located struct {
	File     string `yaml:"file" required:"true" doc:"The encrypted file."`
	Identity string `yaml:"identity" required:"true" file:"true" doc:"The identity."`
}

// Locate reads secrets.store of a pipeline file, and nothing else of it.
func Locate(file string, vars *config.Variables) (Place, error) {
	doc, problems := config.Load(file)
	if problems.HasErrors() {
		return Place{}, problems
	}
	n := doc.Root().Get("secrets").Get("store")
	if n.Kind() != config.Mapping {
		return Place{}, fault.Errorf(fault.Fatal,
			"add it: secrets: {store: {file: secrets.age, identity: \"${file:secrets.key}\"}}",
			"%s has no secrets.store", file)
	}
	var l located
	if problems := config.Decode(n, &l, vars); problems.HasErrors() {
		return Place{}, problems
	}
	p := Place{Path: (&Config{File: l.File}).Path(filepath.Dir(file)), identity: l.Identity}
	if path, ok := config.FileNamed(l.Identity); ok {
		p.IdentityFile, p.identity = path, ""
	}
	return p, nil
}

// Open returns the store with its identity.
func (p Place) Open() (*Store, error) {
	text := p.identity
	if p.IdentityFile != "" {
		data, err := os.ReadFile(p.IdentityFile)
		if err != nil {
			return nil, fault.Errorf(fault.Fatal, "create both with pipe secret init FILE, or restore the file",
				"the identity of the secret store: %w", err)
		}
		if err := checkIdentityFile(p.IdentityFile); err != nil {
			return nil, err
		}
		text = string(data)
	}
	return New(p.Path, text)
}

// Init creates the store, and its identity file unless there is one, and reports whether it
// created that.
func (p Place) Init(recipients []string) (identity bool, err error) {
	if p.IdentityFile != "" {
		if _, err := os.Lstat(p.IdentityFile); os.IsNotExist(err) {
			if _, err := os.Lstat(p.Path); err == nil {
				return false, fault.Errorf(fault.Fatal, "restore the identity file",
					"the secret store %s exists, but its identity %s does not", p.Path, p.IdentityFile)
			}
			if _, err := CreateIdentity(p.IdentityFile); err != nil {
				return false, err
			}
			identity = true
		}
	}
	s, err := p.Open()
	if err != nil {
		return identity, err
	}
	return identity, s.Create(recipients)
}

// Rekey gives the store a new identity. It is written to the identity file, in the place of
// the old one, or to next when that is not "", which must not exist.
func (p Place) Rekey(next string, recipients []string) error {
	s, err := p.Open()
	switch {
	case err != nil:
		return err
	case next == "" && p.IdentityFile == "":
		return fault.Errorf(fault.Fatal,
			"name a file for the new identity: --new-identity FILE; then put its content into the variable",
			"the identity is in a variable, which pipe cannot change")
	case next == "":
		return s.Renew(p.IdentityFile, recipients)
	}
	if _, err := s.read(); err != nil {
		return err
	}
	id, err := CreateIdentity(next)
	if err != nil {
		return err
	}
	return s.Rekey(id, recipients)
}

// Keys are the secret keys in the text of an identity file.
func Keys(identity string) (out []string) {
	for word := range strings.FieldsSeq(identity) {
		if strings.HasPrefix(word, keyPrefix) {
			out = append(out, word)
		}
	}
	return out
}
