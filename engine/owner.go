package engine

import (
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// ownerOf reads the owner of a place. Where the folder has none yet, it makes one
// that continues the baseline, and writes it if write says so.
func ownerOf(store *state.Store, base state.Baseline, write bool) (state.Owner, error) {
	o, found, err := store.Owner()
	if err != nil {
		return o, &fault.StateError{Err: err, Remedy: "restore the file from a copy, or remove it: the next run then takes the owner id from the baseline, or makes a new one and asks for pipe adopt FILE"}
	}
	if found {
		return o, nil
	}
	o = state.Owner{ID: state.NewOwnerID(), Kept: base.Condition != state.Missing}
	if base.Snapshot != nil && base.Owner != "" {
		o.ID = base.Owner
	}
	if write {
		o.Created = time.Now().UTC()
		if err := store.SetOwner(o); err != nil {
			return o, unusable(err)
		}
	}
	return o, nil
}

// ownerOfPlace is ownerOf for what acts by hand.
func ownerOfPlace(store *state.Store) (state.Owner, error) {
	if o, found, err := store.Owner(); found && err == nil {
		return o, nil
	}
	base, err := store.Load()
	if err != nil {
		return state.Owner{}, unreadable(err)
	}
	defer base.Close()
	return ownerOf(store, base, true)
}

// owns reports whether an upload is of this run's state folder. The ids of earlier
// versions carry no owner: those are recognised by their run.
func (r *run) owns(u component.Upload) bool {
	switch {
	case u.Owner != "":
		return u.Owner == r.owner.ID
	case u.Run == "" || r.store == nil:
		return false
	}
	return r.last != nil && r.last.Run == u.Run || r.store.Ran(u.Run)
}

// begin notes, before the first page, that a run which found no items publishes:
// when it is killed, what it left is not taken for another's.
func (r *run) begin() error {
	if r.store == nil || r.covered() || r.holds() != "" || r.owner.Begun {
		return nil
	}
	r.owner.Begun = true
	if err := r.store.SetOwner(r.owner); err != nil {
		return unusable(err)
	}
	return nil
}

// keep notes that a baseline was written.
func (r *run) keep() error {
	if r.owner.Kept {
		return nil
	}
	r.owner.Kept = true
	return r.store.SetOwner(r.owner)
}
