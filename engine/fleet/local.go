package fleet

import (
	"context"
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/folder"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/state"
)

// Local is a pipeline of a fleet on this machine, with the state store of the workers: approvals,
// adoptions and hidden documents are written there, and not sent through Temporal.
type Local struct {
	Options job.Options
	end     func()
}

// Local returns a pipeline with the state store. Its variables and secrets must be here, as on a
// worker. The caller closes it.
func (o *Operation) Local(ctx context.Context, pipeline string) (*Local, error) {
	p, err := o.Fleet.Find(pipeline)
	if err != nil {
		return nil, err
	}
	text, _, err := p.Text()
	if err != nil {
		return nil, err
	}
	store, end, err := o.w.open(RunOptions{Job: o.job, Log: o.log})(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	open := o.job
	open.Path, open.Text, open.State, open.Unpinned = p.Path, text, store, o.w.Unpinned
	if _, err := open.StateStore(); err != nil {
		end()
		return nil, err
	}
	return &Local{open, end}, nil
}

// Local returns a pipeline of the worker's fleet as Operation.Local does, without a connection to Temporal.
func (w *Worker) Local(ctx context.Context, pipeline string, o RunOptions) (*Local, error) {
	if checkout := w.Checkout(); checkout != nil {
		if err := checkout.Verify(ctx); err != nil {
			return nil, err
		}
	}
	f, err := folder.Read(ctx, w.FleetFolder(), o.Job.Lookup)
	if err != nil {
		return nil, err
	}
	return (&Operation{Fleet: f, w: w, job: o.Job, log: o.Log}).Local(ctx, pipeline)
}

// Close closes the state store.
func (l *Local) Close() { l.end() }

// Reset removes the state of the pipeline's datasource, also where it is damaged, except the hidden list
// if that verifies. confirm is asked with the place before. It returns a *fault.Held while a run holds it.
func (l *Local) Reset(ctx context.Context, confirm func(place string) error) (
	place string, kept state.Kept, err error) {
	resetter, can := l.Options.State.(state.Resetter)
	if !can {
		return "", 0, &fault.Invalid{Reason: fmt.Sprintf("%s cannot be reset", l.Options.State),
			Remedy: "move the files of the datasource away: pipe state show names them"}
	}
	o := l.Options
	o.Unpinned = true // nothing is started
	f, err := job.Load(ctx, o)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	sink, err := f.Definition.OpenSink(f.Settings())
	if err != nil {
		return "", 0, err
	}
	defer sink.Close()
	place = sink.Place()
	if err := confirm(place); err != nil {
		return place, 0, err
	}
	kept, err = resetter.Reset(place, baseline.HiddenName)
	if errors.Is(err, state.ErrHeld) {
		err = &fault.Held{Holder: "a run", Remedy: "wait until it has ended"}
	}
	return place, kept, err
}
