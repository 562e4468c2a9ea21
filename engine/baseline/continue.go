package baseline

import (
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

// OwnerOf reads the owner of a place. Where the folder has none yet, it makes one
// that continues the baseline, and writes it if write says so.
func OwnerOf(store *Store, base Baseline, write bool) (Owner, error) {
	o, found, err := store.Owner()
	if err != nil {
		return o, &fault.StateError{Err: err, Remedy: "restore the file from a copy, or remove it: the next run then takes " +
			"the owner id from the baseline, or makes a new one and asks for pipe adopt FILE"}
	}
	if found {
		return o, nil
	}
	o = Owner{ID: NewOwnerID(), Kept: base.Condition != Missing}
	if base.Snapshot != nil && base.Owner != "" {
		o.ID = base.Owner
	}
	if write {
		o.Created = time.Now().UTC()
		if err := store.SetOwner(o); err != nil {
			return o, Unusable(err)
		}
	}
	return o, nil
}

// OwnerOfPlace is ownerOf for what acts by hand.
func OwnerOfPlace(store *Store) (Owner, error) {
	if o, found, err := store.Owner(); found && err == nil {
		return o, nil
	}
	base, err := store.Load()
	if err != nil {
		return Owner{}, Unreadable(err)
	}
	defer base.Close()
	return OwnerOf(store, base, true)
}
