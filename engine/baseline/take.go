package baseline

import (
	"errors"

	"github.com/pipe-engine/pipe/engine/fault"
)

// Take locks a place for a run.
func Take(store *Store, run string) (*Lock, error) {
	lock, err := store.Lock(run)
	var held *HeldError
	if errors.As(err, &held) {
		return nil, &fault.Held{Holder: held.Holder.String(), Since: held.Holder.Since,
			Remedy: "wait until it ends; two runs " +
				"at once would end each other's uploads"}
	}
	if err != nil {
		return nil, Unusable(err)
	}
	return lock, nil
}
