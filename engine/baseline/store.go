package baseline

import (
	"errors"
	"io/fs"

	"github.com/pipe-engine/pipe/engine/state"
)

// Store is the state of one place.
type Store struct {
	files state.Files
	place string
}

// Open opens the state of a place. It creates no file.
func Open(in state.Store, place string) (*Store, error) {
	files, err := in.Open(place)
	if err != nil {
		return nil, err
	}
	return &Store{files: files, place: place}, nil
}

// Exists reports whether a store has a baseline of a place, damaged or not. When the store cannot be
// read, it has one.
func Exists(in state.Store, place string) bool {
	s, err := Open(in, place)
	return err != nil || s.there(suffixState)
}

// there reports whether there is a file, whatever it is.
func (s *Store) there(name string) bool {
	_, err := s.files.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// State returns the files of the place, for the audit ledger.
func (s *Store) State() state.Files { return s.files }

// path returns the name of a file for messages.
func (s *Store) path(name string) string { return s.files.Path(name) }
