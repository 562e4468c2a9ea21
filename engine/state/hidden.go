package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Hidden is a ref whose documents a person has taken away.
type Hidden struct {
	Ref string    `json:"ref"`
	At  time.Time `json:"at"`
	By  string    `json:"by,omitempty"`
	// Back is when a person let it back, zero while it is hidden. It is kept until
	// the next good run, for which its documents are no news.
	Back time.Time `json:"back,omitzero"`
}

type hiddenFile struct {
	Version int      `json:"version"`
	Place   string   `json:"place"`
	Hidden  []Hidden `json:"hidden"`
}

// Hidden are the place's hidden refs, in the order in which they were hidden. A
// list that cannot be read is an error, never an empty one: what a person has
// taken away would come back.
func (s *Store) Hidden() ([]Hidden, error) {
	path := s.path(".hidden")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is hidden: %w", err)
	}
	var f hiddenFile
	if err := codec.Unmarshal(b, &f); err != nil || f.Version != version || f.Place != s.place {
		return nil, fmt.Errorf("%s does not say what is hidden at %s: it is damaged, another place's or of another format", path, s.place)
	}
	return f.Hidden, nil
}

// SetHidden replaces the list; whoever calls it holds the Lock.
func (s *Store) SetHidden(all []Hidden) error {
	b, err := codec.Marshal(hiddenFile{Version: version, Place: s.place, Hidden: all})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, s.key+".new-*") // 0600
	if err != nil {
		return fmt.Errorf("remember what is hidden: %w", err)
	}
	defer os.Remove(f.Name()) // not there any more when it was renamed
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), s.path(".hidden"))
	}
	if err != nil {
		return fmt.Errorf("remember what is hidden: %w", err)
	}
	return nil
}

// Forget removes the state of the last good run. What is hidden stays hidden.
func (s *Store) Forget() error {
	if err := os.Remove(s.path(".state")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the last good run: %w", err)
	}
	return nil
}
