package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"filippo.io/age"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/fault"
)

// NewIdentity returns a new identity, as a line of an identity file.
func NewIdentity() (string, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

// CreateIdentity writes a new identity to a file that does not exist, with mode 0600, and
// returns it.
func CreateIdentity(path string) (string, error) {
	id, err := NewIdentity()
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", fault.Errorf(fault.Fatal, "name a file that does not exist", "%s exists already", path)
	}
	if err != nil {
		return "", fmt.Errorf("write the identity: %w", err)
	}
	if _, err = io.WriteString(f, id+"\n"); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("write the identity: %w", err)
	}
	return id, nil
}

// Renew rekeys the store for a new identity and puts that into the identity file, in the
// place of the old one. When it is interrupted, the identity file opens the store: until
// the store is written, the file has both identities.
func (s *Store) Renew(identityFile string, recipients []string) error {
	if _, err := s.read(); err != nil {
		return err
	}
	old, err := os.ReadFile(identityFile)
	if err != nil {
		return fmt.Errorf("read the identity: %w", err)
	}
	id, err := NewIdentity()
	if err != nil {
		return err
	}
	put := func(text string) error {
		return atomicfile.Replace(identityFile, atomicfile.Options{}, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	}
	if err := put(id + "\n" + strings.TrimSpace(string(old)) + "\n"); err != nil {
		return fmt.Errorf("write the identity: %w", err)
	}
	if err := s.Rekey(id, recipients); err != nil {
		return fmt.Errorf("%w; %s has a new identity and the old one, and keeps both", err, identityFile)
	}
	if err := put(id + "\n"); err != nil {
		return fmt.Errorf("the store has a new identity, but the old one is still in %s: %w", identityFile, err)
	}
	return nil
}
