package baseline

import (
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/fault"
)

// Take locks a place for a run.
func Take(store *Store, run string) (*Lock, error) {
	lock, err := store.Lock(run)
	var held *HeldError
	if errors.As(err, &held) {
		return nil, &fault.Held{Holder: held.Holder.String(), Since: held.Holder.Since, Remedy: "wait until it has ended; " +
			"two runs at once would end one another's uploads"}
	}
	if err != nil {
		return nil, Unusable(err)
	}
	return lock, nil
}

// Unusable is a state folder that cannot be used.
func Unusable(err error) error {
	return &fault.StateError{Err: fmt.Errorf("the state folder cannot be used: %w", err),
		Remedy: "name a folder that can be written with --state DIR"}
}

// Unreadable is a state folder that has a file which cannot be read.
func Unreadable(err error) error {
	return &fault.StateError{Err: err,
		Remedy: "make the file readable for this user, or restore the state folder from a copy"}
}
