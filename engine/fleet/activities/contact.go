package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/state"
)

// Why a run ends early.
var (
	errLost = fault.Errorf(fault.Transient, "look at the network between the worker and Temporal",
		"the worker has no contact to Temporal, which may have given the run to another worker")
	errTaken = fault.Errorf(fault.Transient, "", "Temporal has given up this attempt of the run")
	errGrace = errors.New("the run did not end within its grace time")
)

// contact is the contact of a run with Temporal. Its heartbeats are answered one by one, so it knows
// when the last one arrived. It ends the run in two steps: stop lets an upload that has begun end, and
// the end of ctx lets no further request begin.
type contact struct {
	ctx    context.Context // of the run
	stop   chan struct{}
	cancel context.CancelCauseFunc

	mu        sync.Mutex
	cancelled bool // by a person
	stopped   bool // stop is closed
	grace     *time.Timer
	until     time.Time // the run is certainly this attempt's; zero without heartbeats

	ended sync.WaitGroup
	over  chan struct{}
}

// contacts are the parts of contact that a test replaces.
type contacts struct {
	beat     func(ctx context.Context) error
	worker   <-chan struct{} // closed when the worker is to end
	timeout  time.Duration   // of heartbeats
	deadline time.Time       // of the attempt
	grace    time.Duration
}

// open begins the heartbeats of an activity. The caller calls close.
func (a *Activities) open(ctx context.Context, details func() workflows.Beat) *contact {
	info := activity.GetInfo(ctx)
	return openContact(ctx, contacts{
		beat: func(ctx context.Context) error {
			return a.o.Beater.RecordActivityHeartbeat(ctx, info.TaskToken, details())
		},
		worker: activity.GetWorkerStopChannel(ctx), timeout: info.HeartbeatTimeout, deadline: info.Deadline,
		grace: a.o.Grace,
	})
}

func openContact(ctx context.Context, o contacts) *contact {
	c := &contact{stop: make(chan struct{}), over: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	if o.timeout > 0 {
		c.arrived(time.Now(), o.timeout) // Temporal has just given this worker the run
	}
	c.ended.Go(func() { c.watch(ctx, o) })
	c.ended.Go(func() { c.beats(o) })
	return c
}

// close ends the heartbeats.
func (c *contact) close() {
	close(c.over)
	c.cancel(nil)
	c.ended.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.grace != nil {
		c.grace.Stop()
	}
}

// wasCancelled reports whether a person cancelled the run.
func (c *contact) wasCancelled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cancelled
}

// end lets the run end within a grace time.
func (c *contact) end(grace time.Duration, cancelled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancelled = c.cancelled || cancelled
	if c.stopped {
		return
	}
	c.stopped = true
	close(c.stop)
	c.grace = time.AfterFunc(grace, func() { c.cancel(errGrace) })
}

// certain returns an error when Temporal may have given the run to another worker. It compares the
// time of the wall, too: the other clock stops while a machine is suspended. A process that was
// stopped sends nothing after it goes on.
func (c *contact) certain() error {
	c.mu.Lock()
	until := c.until
	c.mu.Unlock()
	if !until.IsZero() && state.Passed(until) {
		c.cancel(errLost)
	}
	return context.Cause(c.ctx)
}

// arrived notes that a heartbeat was answered that was sent at a time.
func (c *contact) arrived(sent time.Time, timeout time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = sent.Add(timeout)
}

// watch ends the run when the worker ends, when the attempt's time is up, and when the SDK ends the
// activity, which it does after the worker's grace time.
func (c *contact) watch(ctx context.Context, o contacts) {
	var last <-chan time.Time
	var atEnd time.Duration
	if !o.deadline.IsZero() {
		// A short attempt has half of its time, whatever the grace time is.
		left := time.Until(o.deadline)
		atEnd = min(o.grace, max(0, left/2))
		timer := time.NewTimer(left - atEnd)
		defer timer.Stop()
		last = timer.C
	}
	worker := o.worker
	for {
		select {
		case <-c.over:
			return
		case <-worker:
			worker = nil
			c.end(o.grace, false)
		case <-last:
			last = nil
			c.end(atEnd, false)
		case <-ctx.Done():
			c.cancel(errTaken)
			return
		}
	}
}

// beats sends heartbeats. Temporal gives a run to another worker when none arrived for the time-out,
// counted from when it received the last one. The run ends before that: counted from when the last
// one that was answered was sent.
func (c *contact) beats(o contacts) {
	if o.timeout <= 0 {
		return
	}
	interval := max(o.timeout/6, time.Second)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.over:
			return
		case <-c.ctx.Done():
			return
		case <-timer.C:
		}
		if c.certain() != nil {
			return
		}
		sent := time.Now()
		left := c.left()
		ctx, cancel := context.WithTimeout(c.ctx, min(left, max(interval, minCall)))
		err := o.beat(ctx)
		cancel()
		switch {
		case err == nil:
			c.arrived(sent, o.timeout)
		case temporal.IsCanceledError(err):
			c.arrived(sent, o.timeout)
			c.end(o.grace, true)
		case given(err):
			c.cancel(errTaken)
			return
		}
		timer.Reset(min(interval, max(0, c.left())))
	}
}

// left returns how long the run is certainly this attempt's.
func (c *contact) left() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Until(c.until)
}

// minCall is the shortest time that a call of Temporal gets.
const minCall = 3 * time.Second

// given reports whether an error of a heartbeat means that Temporal has given up the attempt.
func given(err error) bool {
	return errors.As(err, new(*serviceerror.NotFound)) || errors.As(err, new(*serviceerror.NamespaceNotFound)) ||
		errors.Is(err, activity.ErrActivityPaused) || errors.Is(err, activity.ErrActivityReset)
}
