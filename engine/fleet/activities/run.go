package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
)

// Run runs the pipeline once. Done, rejected, refused, unconfirmed and held are results; everything
// else is an error with the report as its details. A run that delivered everything and could not save
// its state is an error, too: another attempt sends again and saves. A cancellation and the end of the worker stop the
// run as a signal stops pipe run: an upload that has begun ends, for up to the grace time.
func (a *Activities) Run(ctx context.Context, in workflows.RunInput) (workflows.Report, error) {
	id := run.NewRunID()
	t := &tracker{now: workflows.Beat{Run: id, Act: actOpen}}
	c := a.open(ctx, t.beat)
	defer c.close()
	out := workflows.Report{Run: id, How: in.Request.How, Attempt: activity.GetInfo(ctx).Attempt}
	log := a.o.Log.With("pipeline", in.Job.Pipeline, "run", id, "attempt", out.Attempt)
	var result *job.Result
	err := a.guarded(func() error {
		f, err := a.find(c.ctx, in.Job)
		if err != nil {
			return err
		}
		out.Commit, out.File = f.commit, f.sha
		store, end, err := a.store(c.ctx, f)
		if err != nil {
			return err
		}
		defer end()
		begins := []any{"sha256", f.sha}
		if f.commit != "" {
			begins = append(begins, "commit", f.commit)
		}
		log.Info("run begins", begins...)
		request := a.request(f, in, id, t, c)
		request.Open.State = store
		result = job.Run(c.ctx, request)
		return result.Err
	})
	if cause := context.Cause(c.ctx); cause != nil && err != nil {
		err = errors.Join(cause, err)
	}
	fill(&out, result, err)
	if err != nil {
		log.Error("run ended", "result", out.Result, "code", out.Code, "causes", a.causes(result, err), "error",
			a.o.Job.Secrets.Clean(err.Error()))
	} else {
		log.Info("run ended", "result", out.Result, "read", out.Read, "sent", out.Sent)
	}
	switch out.Result {
	case workflows.ResultFailed, workflows.ResultWrong:
		if c.wasCancelled() && (errors.Is(err, fault.ErrStopped) || errors.Is(err, errGrace)) {
			out.Result = workflows.ResultCancelled
			return workflows.Report{}, temporal.NewCanceledError(out)
		}
		return workflows.Report{}, failure(ending(ctx), err, &out)
	}
	return out, nil
}

// request returns the request for the run, without state.
func (a *Activities) request(f *found, in workflows.RunInput, id string, t *tracker, c *contact) job.Request {
	o := a.options(f)
	o.RunID = id
	q := job.Request{Open: o, Report: a.o.ReportFile,
		Run: job.RunOptions{By: who(in), Progress: t, Stop: c.stop, Certain: c.certain}}
	if in.Request.Full {
		q.Run.Publish = component.PublishFull
	}
	return q
}

// who returns who asked for a run, for the audit ledger.
func who(in workflows.RunInput) string {
	text := "fleet " + in.Job.Fleet + ", " + in.Request.How
	if in.Request.By != "" {
		text += " " + in.Request.By
	}
	return text
}

func (a *Activities) causes(result *job.Result, err error) []string {
	var made *run.Report
	if result != nil {
		made = result.Report
	}
	var out []string
	for _, cause := range run.Causes(err, report.CodeOf(err), made) {
		out = append(out, a.o.Job.Secrets.Clean(cause))
	}
	return out
}
