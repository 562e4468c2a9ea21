package engine

import (
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Place is a sink's place that is held: no run writes to it meanwhile.
type Place struct {
	Store *state.Store
	lock  *state.Lock
	owner state.Owner
}

// TakePlace takes a place until Release is called. The error is a *Held when
// somebody has it.
func TakePlace(dir, place, run string) (*Place, error) {
	store, err := state.Open(dir, place)
	if err != nil {
		return nil, unusable(err)
	}
	lock, err := take(store, run)
	if err != nil {
		return nil, err
	}
	p := &Place{Store: store, lock: lock}
	if p.owner, err = ownerOfPlace(store); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return p, nil
}

// Release gives the place back.
func (p *Place) Release() error { return p.lock.Release() }

// opening is what a session is told that acts by hand.
func (p *Place) opening(pipeline, run string) component.Opening {
	o := component.Opening{Pipeline: pipeline, RunID: run, Owner: state.NewOwnerID(), Written: func(string) bool { return true }, Ended: func(string) bool { return false }}
	if p != nil {
		o.Ended, o.Owner = p.lock.Ended, p.owner.ID
	}
	return o
}

// take locks a place for a run.
func take(store *state.Store, run string) (*state.Lock, error) {
	lock, err := store.Lock(run)
	var held *state.HeldError
	if errors.As(err, &held) {
		return nil, &fault.Held{Holder: held.Holder.String(), Since: held.Holder.Since, Remedy: "wait until it has ended; two runs at once would end one another's uploads"}
	}
	if err != nil {
		return nil, unusable(err)
	}
	return lock, nil
}

func unusable(err error) error {
	return &fault.StateError{Err: fmt.Errorf("the state folder cannot be used: %w", err), Remedy: "name a folder that can be written with --state DIR"}
}

// unreadable is a state folder that has a file which cannot be read.
func unreadable(err error) error {
	return &fault.StateError{Err: err, Remedy: "make the file readable for this user, or restore the state folder from a copy"}
}
