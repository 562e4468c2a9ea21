package run

import (
	"context"
	"errors"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// holdsPlace returns an error unless the run may go on: ask is the Check of the place's lock or its Certain,
// which does not ask the store.
func (r *run) holdsPlace(ask func(*baseline.Lock) error) error {
	if r.lock != nil {
		if err := ask(r.lock); err != nil {
			return err
		}
	}
	if r.o.Certain != nil {
		return r.o.Certain()
	}
	return nil
}

// stillHeld implements Plan.Held.
func (r *run) stillHeld() error { return r.holdsPlace((*baseline.Lock).Check) }

// sending returns the context of what the run sends. Each attempt of a request is made only while the
// run certainly holds the place: a process that was suspended finds out before it tries one again.
func (r *run) sending(ctx context.Context) context.Context {
	return connection.WithCertain(ctx, func() error {
		err := r.holdsPlace((*baseline.Lock).Certain)
		if err != nil {
			r.lose(err)
		}
		return err
	})
}

// awaitHold waits until no request of an earlier holder of the place can be on its way, and checks
// that this run holds it. Nothing is sent before.
func (r *run) awaitHold(ctx context.Context) error {
	if r.lock == nil {
		return nil
	}
	if clear := r.lock.Clear(); clear.After(r.o.clock.Now()) {
		r.note("an earlier run lost the place and may have had a request on its way: nothing was sent before %s",
			display.Time(clear))
	}
	return r.lock.Await(ctx)
}

// lostHold returns the error of a run that lost the place: the one that says so, unless the run ended
// by a refusal or had delivered everything.
func (r *run) lostHold(err error) error {
	if err == nil || r.lock == nil || errors.As(err, new(*fault.Refusal)) || errors.As(err, new(*fault.Unconfirmed)) {
		return err
	}
	select {
	case <-r.lock.Lost():
		return r.lock.Check()
	default:
		return err
	}
}
