package operate

import (
	"context"
	"errors"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/state"
)

// Place is a sink's place whose lock is held: no run writes to it.
type Place struct {
	Store *baseline.Store
	lock  *baseline.Lock
	owner baseline.Owner
}

// TakePlace locks a place until Release is called. It returns a *Held when another process
// holds the lock.
func TakePlace(in state.Store, place, run string) (*Place, error) {
	store, err := baseline.Open(in, place)
	if err != nil {
		return nil, baseline.Unusable(err)
	}
	lock, err := baseline.Take(store, run)
	if err != nil {
		return nil, err
	}
	p := &Place{Store: store, lock: lock}
	if p.owner, err = baseline.OwnerOfPlace(store); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return p, nil
}

// Release releases the lock.
func (p *Place) Release() error { return p.lock.Release() }

// sending waits until no request of an earlier holder can be on its way, and returns a context that
// ends when the place is lost; nothing is sent before. Each attempt of a request is made only while the
// place is certainly held. The caller calls end.
func (p *Place) sending(ctx context.Context) (held context.Context, end func(), err error) {
	if p == nil {
		return ctx, func() {}, nil
	}
	if err := p.lock.Await(ctx); err != nil {
		return nil, nil, err
	}
	held, lose := context.WithCancelCause(ctx)
	unwatch := p.lock.Watch(lose)
	return connection.WithCertain(held, p.lock.Certain), func() { unwatch(); lose(nil) }, nil
}

// opening returns the Opening for a session outside a run.
func (p *Place) opening(pipeline, run string) component.Opening {
	o := component.Opening{Pipeline: pipeline, RunID: run, Owner: baseline.NewOwnerID(),
		Written: func(string) bool { return true }, Ended: func(string) bool { return false }}
	if p != nil {
		o.Ended, o.Owner = p.lock.Ended, p.owner.ID
	}
	return o
}
