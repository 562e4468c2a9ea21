package activities

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
)

// TestContactLost: a run whose heartbeats do not arrive ends before Temporal gives it to another
// worker: at the time-out, counted from when the last one that was answered was sent.
func TestContactLost(t *testing.T) {
	for name, beat := range map[string]func(ctx context.Context) error{
		"refused": func(context.Context) error { return serviceerror.NewUnavailable("no") },
		"hangs": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, good := time.Now(), 4
			var sent time.Time
			c := openContact(t.Context(), contacts{timeout: time.Minute, grace: time.Hour,
				beat: func(ctx context.Context) error {
					if good--; good >= 0 {
						sent = time.Now()
						time.Sleep(2 * time.Second)
						return nil
					}
					return beat(ctx)
				}})
			defer c.close()
			<-c.ctx.Done()
			cause := context.Cause(c.ctx)
			if at := time.Since(sent); at != time.Minute || time.Since(start) < time.Minute+20*time.Second {
				t.Errorf("%s: ended %v after the last heartbeat", name, at)
			}
			if !errors.Is(cause, errLost) || fault.ClassOf(cause) != fault.Transient ||
				job.ClassOf(cause) != job.Failed {
				t.Errorf("%s: %v", name, cause)
			}
			if c.certain() == nil {
				t.Errorf("%s: the run is certain", name)
			}
		})
	}
}

// TestContactSleeps: a process that did not run for longer than the time-out does nothing when it goes
// on, before the timers of the contact have run.
func TestContactSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openContact(t.Context(), contacts{timeout: time.Minute, beat: func(context.Context) error { return nil }})
		defer c.close()
		synctest.Wait()
		if err := c.certain(); err != nil {
			t.Fatal(err)
		}
		c.arrived(time.Now().Add(-61*time.Second), time.Minute)
		if err := c.certain(); !errors.Is(err, errLost) || c.ctx.Err() == nil {
			t.Errorf("%v, context %v", err, c.ctx.Err())
		}
	})
}

// TestContactGiven: a run that Temporal has given up ends at once.
func TestContactGiven(t *testing.T) {
	for _, err := range []error{serviceerror.NewNotFound("x"), serviceerror.NewNamespaceNotFound("x"),
		activity.ErrActivityPaused, activity.ErrActivityReset} {
		synctest.Test(t, func(t *testing.T) {
			c := openContact(t.Context(), contacts{timeout: time.Minute, grace: time.Hour,
				beat: func(context.Context) error { return err }})
			defer c.close()
			synctest.Wait()
			if cause := context.Cause(c.ctx); !errors.Is(cause, errTaken) || fault.ClassOf(cause) != fault.Transient {
				t.Errorf("%v: %v", err, cause)
			}
		})
	}
}

// TestContactEnds: a cancellation, the end of the worker and the end of the attempt's time let an
// upload end: stop is closed first, and the context ends after the grace time.
func TestContactEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		o         contacts
		attempt   time.Duration // its time, with a deadline
		stopped   time.Duration
		cancelled bool
	}{
		"cancelled": {contacts{timeout: time.Minute,
			beat: func(context.Context) error { return temporal.NewCanceledError() }}, 0, 0, true},
		"worker":   {contacts{worker: make(chan struct{})}, 0, 0, false},
		"deadline": {contacts{deadline: time.Now()}, 24 * time.Hour, 23 * time.Hour, false},
		// A time that is shorter than twice the grace time: half of it is for the run.
		"short attempt": {contacts{deadline: time.Now()}, 10 * time.Minute, 5 * time.Minute, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			tc.o.grace = time.Hour
			grace := time.Hour
			if !tc.o.deadline.IsZero() { // the clock of the test is another one
				tc.o.deadline = time.Now().Add(tc.attempt)
				grace = min(grace, tc.attempt/2)
			}
			if tc.o.worker != nil {
				ended := make(chan struct{})
				close(ended)
				tc.o.worker = ended
			}
			start := time.Now()
			c := openContact(t.Context(), tc.o)
			defer c.close()
			<-c.stop
			if at := time.Since(start); at != tc.stopped || c.ctx.Err() != nil {
				t.Errorf("%s: stopped after %v, context %v", name, at, c.ctx.Err())
			}
			if c.wasCancelled() != tc.cancelled {
				t.Errorf("%s: cancelled %t", name, c.wasCancelled())
			}
			<-c.ctx.Done()
			if at := time.Since(start); at != tc.stopped+grace || !errors.Is(context.Cause(c.ctx), errGrace) {
				t.Errorf("%s: ended after %v: %v", name, at, context.Cause(c.ctx))
			}
		})
	}
}

// TestContactOver: when the SDK ends the activity the run ends at once, and nothing is left behind
// when it is closed early.
func TestContactOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := openContact(ctx, contacts{timeout: time.Minute, beat: func(context.Context) error { return nil }})
		cancel()
		<-c.ctx.Done()
		if cause := context.Cause(c.ctx); !errors.Is(cause, errTaken) {
			t.Error(cause)
		}
		select {
		case <-c.stop:
			t.Error("stop is closed")
		default:
		}
		c.close()
	})
}
