package baseline

import (
	"errors"
	"fmt"
	"io/fs"
)

// Forget removes the baseline and the journal of a place that was emptied. The hidden list
// stays.
func (s *Store) Forget() error {
	o, found, err := s.Owner()
	if err != nil {
		return err
	}
	for _, suffix := range []string{suffixState, suffixJournal} {
		if err := s.files.Remove(suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the baseline: %w", err)
		}
	}
	if !found {
		return nil
	}
	o.Begun, o.Kept = true, false
	return s.SetOwner(o)
}
