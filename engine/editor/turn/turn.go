// Package turn bounds what a front end of an editor computes: calls run one after the other, and each
// ends within a limit.
package turn

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"
)

// Turns lets one call run at a time. Use New.
type Turns struct {
	log  *slog.Logger
	free chan struct{} // holds one value while no call runs
}

// ErrLate is that a call took longer than its limit.
var ErrLate = errors.New("the call took too long")

// ErrDefect is that a call panicked.
var ErrDefect = errors.New("the call failed: this is a defect in pipe")

// New returns Turns. Panics are logged with their stack.
func New(log *slog.Logger) *Turns {
	t := &Turns{log: log, free: make(chan struct{}, 1)}
	t.free <- struct{}{}
	return t
}

// Do runs a call when it is its turn. It returns at the latest when the limit is over, with ErrLate, or
// when ctx ends; a call that does not end then keeps its turn. A panic of the call is ErrDefect.
func Do[T any](ctx context.Context, t *Turns, limit time.Duration, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	late := func() (T, error) {
		var none T
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return none, ErrLate
		}
		return none, ctx.Err()
	}
	select {
	case <-t.free:
	case <-ctx.Done():
		defer cancel()
		return late()
	}
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer cancel()
		defer func() { t.free <- struct{}{} }()
		defer func() {
			if v := recover(); v != nil {
				t.log.Error("a call failed", "panic", v, "stack", string(debug.Stack()))
				done <- result{err: ErrDefect}
			}
		}()
		v, err := call(ctx)
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		if r.err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return late()
		}
		return r.v, r.err
	case <-ctx.Done():
		select { // it may have ended just now
		case r := <-done:
			return r.v, r.err
		default:
			return late()
		}
	}
}
