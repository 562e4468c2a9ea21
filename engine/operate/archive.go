package operate

import (
	"errors"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// ExportState writes a state folder's files for a place to one archive.
func ExportState(in state.Store, place, run, path string) error {
	return locked(in, place, run, func(s *baseline.Store) error {
		err := s.Export(path)
		if errors.Is(err, baseline.ErrNothing) {
			return &fault.StateError{Err: err, Remedy: "name the folder of the runs with --state DIR"}
		}
		if err != nil {
			return &fault.StateError{Err: err,
				Remedy: "name an archive that can be written, and a state folder that a run can use"}
		}
		return nil
	})
}

// ImportState replaces a state folder's files for a place with those of an archive.
func ImportState(in state.Store, place, run, path string, force bool) (imported baseline.Archive, err error) {
	err = locked(in, place, run, func(s *baseline.Store) error {
		var err error
		imported, err = s.Import(path, force)
		if errors.Is(err, baseline.ErrHasBaseline) {
			return &fault.StateError{Err: err, Remedy: "nothing was changed; --force replaces it"}
		}
		if err != nil {
			return &fault.StateError{Err: err,
				Remedy: "export the state again with this version of pipe and the same pipeline file"}
		}
		return nil
	})
	return imported, err
}

// locked calls act with the state of a place while holding its lock.
func locked(in state.Store, place, run string, act func(*baseline.Store) error) error {
	store, err := baseline.Open(in, place)
	if err != nil {
		return baseline.Unusable(err)
	}
	lock, err := baseline.Take(store, run)
	if err != nil {
		return err
	}
	return errors.Join(act(store), lock.Release())
}
