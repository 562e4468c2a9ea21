package baseline

import (
	"io"

	"github.com/pipe-engine/pipe/engine/state"
)

// readFile reads a whole file of the place.
func (s *Store) readFile(name string) ([]byte, error) { return state.ReadFile(s.files, name) }

// replaceFile replaces a file of the place with the output of write, atomically.
func (s *Store) replaceFile(name string, write func(io.Writer) error) error {
	return state.Replace(s.files, name, write)
}
