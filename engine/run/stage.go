package run

import (
	"context"
	"log/slog"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/stage"
	"github.com/pipe-engine/pipe/engine/state"
)

// StageOptions are the options of Stage.
type StageOptions struct {
	RunID string
	State state.Store // nil for none
	// Hidden replaces the hidden list of the state folder; nil uses the list.
	Hidden *baseline.Hiding
	// Follow is that of read.Options.
	Follow []string
	// Fetch finds records that are looked up but that the source did not return; nil when it
	// returns all of them.
	Fetch       func(ref string) (component.Entry, bool)
	DeadLetters func(component.DeadLetter) error // see Options
	Observer    component.Observer               // see Options
	Log         *slog.Logger
	Stop        <-chan struct{}
}

// Staged is what a run would send, before its review. It is valid until the function that
// received it returns.
type Staged struct {
	Pipeline *component.Pipeline
	Plan     *component.Plan
	Stage    *stage.Stage
	Records  *read.Ledger
	Last     *baseline.Snapshot // of the last good run; nil without an intact baseline
	Hidden   baseline.Hiding    // items that are hidden from everyone
}

// Stage reads the source and stages items as Run does, passes them to use, and sends nothing.
// It makes no request to the sink and runs no guard.
func Stage(ctx context.Context, p *component.Pipeline, o StageOptions, use func(context.Context, *Staged) error) error {
	offline := *p
	offline.Offline = true
	r := newRun(&offline, Options{
		RunID: o.RunID, Until: Reviewed, State: o.State, DeadLetters: o.DeadLetters, Observer: o.Observer, Log: o.Log,
		Stop: o.Stop,
	})
	r.replaced, r.fetch, r.follow = o.Hidden, o.Fetch, o.Follow
	defer r.close()
	return r.stageFor(ctx, use)
}

func (r *run) stageFor(ctx context.Context, use func(context.Context, *Staged) error) (err error) {
	defer recovered(&err)
	session, err := r.open(ctx)
	if err != nil {
		return err
	}
	if err := r.stage(ctx, session); err != nil {
		return err
	}
	staged := &Staged{Pipeline: r.p, Plan: r.plan, Stage: r.staged, Records: r.ledger, Last: r.last, Hidden: r.hidden}
	return fault.Cause(ctx, use(ctx, staged))
}
