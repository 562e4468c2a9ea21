package run

import (
	"context"
	"errors"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// watchHold ends the run, before its next request, when it is not certain any more that it holds the
// place.
func (r *run) watchHold() {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-r.lock.Lost():
			r.lose(r.lock.Check())
		case <-ended:
		}
	}()
	r.unwatch = func() {
		close(ended)
		<-done
	}
}

// stillHeld implements Plan.Held.
func (r *run) stillHeld() error {
	if r.lock != nil {
		if err := r.lock.Check(); err != nil {
			return err
		}
	}
	if r.o.Certain != nil {
		return r.o.Certain()
	}
	return nil
}

// sending returns the context of what the run sends. Each attempt of a request is made only while the
// run certainly holds the place: a process that was suspended finds out before it tries one again.
func (r *run) sending(ctx context.Context) context.Context {
	return connection.WithCertain(ctx, func() error {
		err := r.certain()
		if err != nil {
			r.lose(err)
		}
		return err
	})
}

// certain is stillHeld without asking the store.
func (r *run) certain() error {
	if r.lock != nil {
		if err := r.lock.Certain(); err != nil {
			return err
		}
	}
	if r.o.Certain != nil {
		return r.o.Certain()
	}
	return nil
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
	if err := r.lock.Await(ctx); err != nil {
		return err
	}
	return r.lock.Check()
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
