package job

import (
	"context"
	"errors"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/output"
	"github.com/pipe-engine/pipe/engine/run"
)

// Diff reads the source as a dry run does and compares what it would send with the output
// folder of an earlier run. It keeps the first limit changes; 0 keeps all. The report is nil
// when nothing was compared. The error is why, or the *fault.Refusal of such a run.
func (j *Job) Diff(ctx context.Context, dir string, limit int, o RunOptions) (*diff.Diff, *run.Report, error) {
	j.Pipeline.Offline = true
	decoder, can := j.Pipeline.Sink.(component.Decoder)
	if !can {
		return nil, nil, &fault.Invalid{Reason: "what goes to " + j.Definition.Sink.Name + " cannot be compared"}
	}
	open := o.OpenOutput
	if open == nil {
		open = output.Open
	}
	past, err := open(dir, decoder)
	if err != nil {
		return nil, nil, err
	}
	defer past.Close()
	if o.Ready != nil {
		if err := o.Ready(&o); err != nil {
			return nil, nil, err
		}
	}
	d := diff.New(past, limit)
	compared := false
	made, err := run.Run(ctx, j.Pipeline, run.Options{
		RunID: j.RunID, Until: run.Reviewed, Log: j.o.Log, Progress: o.Progress, Stop: o.Stop,
		Output: func(ctx context.Context, plan *component.Plan) error {
			err := d.Compare(ctx, plan)
			compared = err == nil
			return err
		},
	})
	if !compared || err != nil && !errors.As(err, new(*fault.Refusal)) {
		return nil, nil, err
	}
	return d, made, err
}
