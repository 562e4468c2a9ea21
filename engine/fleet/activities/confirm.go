package activities

import (
	"context"
	"errors"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/operate"
)

// Confirm asks the sink once whether it has processed the last run, and notes in the state store what
// it has confirmed. A sink that does not report what it holds has processed everything. It returns a
// *fault.StateError when the baseline is not intact: an upload that was lost would not be noticed.
func (a *Activities) Confirm(ctx context.Context, in workflows.ConfirmInput) (out workflows.Confirmed, err error) {
	err = a.with(ctx, workflows.ActivityConfirm, in.Job, func(f *found, _ *job.File, sink component.Sink) error {
		inspector, can := sink.(component.Inspector)
		if !can {
			return nil
		}
		held, err := inspector.Inspect(ctx)
		if err != nil {
			return err
		}
		store, end, err := a.store(ctx, f)
		if err != nil {
			return err
		}
		defer end()
		uploads, err := operate.Reconcile(store, sink.Place(), held.History, time.Now())
		if err != nil {
			return err
		}
		if err := errors.Join(uploads.Readable(), uploads.Save(store, sink.Place())); err != nil {
			return err
		}
		out = workflows.Confirmed{Pending: len(held.Pending) + len(uploads.Unknown), Paused: len(held.Paused),
			Lost: len(uploads.Lost)}
		return nil
	})
	return out, err
}
