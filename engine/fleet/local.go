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
	open, end, err := o.w.jobOptions(ctx, RunOptions{Job: o.job, Log: o.log})
	if err != nil {
		return nil, err
	}
	open.Path, open.Text = p.Path, text
	return &Local{open, end}, nil
}

// Close closes the state store.
func (l *Local) Close() { l.end() }
