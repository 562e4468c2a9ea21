package activities

import (
	"context"
	"errors"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/job"
)

// Look reports whether the state store has an approval of a refused run that enough people gave and
// that no run has used. The run itself decides what the approval allows.
func (a *Activities) Look(ctx context.Context, in workflows.ConfirmInput) (out workflows.Looked, err error) {
	err = a.with(ctx, workflows.ActivityLook, in.Job, func(f *found, file *job.File, sink component.Sink) error {
		store, end, err := a.store(ctx, f)
		if err != nil {
			return err
		}
		defer end()
		ids, err := baseline.Unused(store, sink.Place(), time.Now())
		if err != nil {
			return err
		}
		for _, id := range ids {
			refused, approval, err := baseline.Refused(store, sink.Place(), id)
			if errors.Is(err, baseline.ErrNotStored) {
				continue // later refusals replaced it, and there is nothing to compare the approval with
			}
			if err != nil {
				return err
			}
			if approval != nil && guard.TooFew(approval, refused, file.Definition.File.Guards.Approvals) == "" {
				out.Approved = true
				return nil
			}
		}
		return nil
	})
	return out, err
}
