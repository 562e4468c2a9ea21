package fleet

import (
	"context"

	"github.com/pipe-engine/pipe/engine/job"
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

// Close closes the state store.
func (l *Local) Close() { l.end() }
