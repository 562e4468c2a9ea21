package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/activities"
	"github.com/pipe-engine/pipe/engine/fleet/folder"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
	"github.com/pipe-engine/pipe/engine/fleet/schedules"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/state"
)

// RunOptions are the options of a worker.
type RunOptions struct {
	// Job are the options of each run; see activities.Options. The state store is that of the file.
	Job job.Options
	Log *slog.Logger
	// Started is called when the worker takes work; may be nil.
	Started func(*folder.Fleet)
}

// slack is how long the SDK waits longer than an upload may take, so the run ends by itself.
const slack = 10 * time.Second

// Run runs workflows and activities until stop is closed, and returns when all have ended: a read
// stops, and an upload that has begun ends, for up to the grace time. Canceling ctx ends everything at
// once.
func (w *Worker) Run(ctx context.Context, o RunOptions, stop <-chan struct{}) error {
	if err := w.complete(); err != nil {
		return err
	}
	if checkout := w.Checkout(); checkout != nil {
		if err := checkout.Verify(ctx); err != nil {
			return err
		}
	}
	fleet, err := folder.Read(ctx, w.FleetFolder(), o.Job.Lookup)
	if err != nil {
		return err
	}
	if run := fleet.Limits.Run; w.Grace >= run {
		return &fault.Invalid{Reason: fmt.Sprintf("grace (%v) is not shorter than limits.run (%v) in %s: a run "+
			"would have no time to read", w.Grace.D(), run.D(), folder.FileName),
			Remedy: "make grace shorter in the worker's file, or limits.run longer"}
	}
	if err := w.usable(ctx, o, fleet); err != nil {
		return err
	}
	c, err := w.dial(ctx, o.Log, payload.WorkerConverter(w.Keys))
	if err != nil {
		return err
	}
	defer c.Close()
	made := schedules.Service{Client: c.ScheduleClient(), Keys: w.Keys}
	if err := made.Readable(ctx, fleet.Name); err != nil {
		return err
	}
	fatal := make(chan error, 2)
	common := worker.Options{
		WorkerStopTimeout:           w.Grace.D() + slack,
		BackgroundActivityContext:   ctx,
		DisableRegistrationAliasing: true,
		OnFatalError:                func(err error) { fatal <- err },
	}
	o.Job.Unpinned = w.Unpinned
	all := activities.New(activities.Options{
		Job: o.Job, State: w.open(o), Folder: w.FleetFolder(), Checkout: w.Checkout(), Grace: w.Grace.D(),
		ReportFile: w.Reports, Starter: c, Beater: c, Log: o.Log,
	})
	short := worker.New(c, w.TaskQueue, common)
	register(short)
	all.Register(short)
	// Runs have a queue of their own: a run that no worker has room for waits in Temporal, and the
	// activities that take seconds do not wait for runs.
	common.DisableWorkflowWorker, common.MaxConcurrentActivityExecutionSize = true, w.Runs
	runs := worker.New(c, workflows.RunQueue(w.TaskQueue), common)
	all.RegisterRun(runs)
	for _, one := range []worker.Worker{short, runs} {
		if err := one.Start(); err != nil {
			return fault.Errorf(fault.Transient, "check temporal.namespace and the rights of the worker",
				"start the worker on the task queue %s: %w", w.TaskQueue, err)
		}
		defer one.Stop()
	}
	if o.Started != nil {
		o.Started(fleet)
	}
	select {
	case <-stop:
	case <-ctx.Done():
	case err := <-fatal:
		return fmt.Errorf("the worker ended: %w", err)
	}
	return nil
}

// register registers the workflows under their names.
func register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(workflows.Pipeline, workflow.RegisterOptions{Name: workflows.TypePipeline})
	r.RegisterWorkflowWithOptions(workflows.Start, workflow.RegisterOptions{Name: workflows.TypeStart})
}

// open returns how the state store of a pipeline is opened.
func (w *Worker) open(o RunOptions) func(context.Context, string) (state.Store, func(), error) {
	return func(ctx context.Context, pipeline string) (state.Store, func(), error) {
		return w.Store(ctx, StoreSettings{Lookup: o.Job.Lookup, Pipeline: pipeline})
	}
}

// usable opens the state store of each pipeline of the worker's task queue, and logs which cannot be used.
// It returns an error when none can be used.
func (w *Worker) usable(ctx context.Context, o RunOptions, fleet *folder.Fleet) error {
	var first error
	usable := 0
	for _, p := range fleet.Pipelines {
		if p.TaskQueue != w.TaskQueue {
			continue
		}
		store, end, err := w.open(o)(ctx, p.Name)
		if err == nil {
			_, err = job.Options{State: store, Lookup: o.Job.Lookup}.StateStore()
			end()
		}
		switch {
		case err == nil:
			usable++
		case first == nil:
			first = err
			fallthrough
		default:
			o.Log.Error("the state of a pipeline cannot be used", "pipeline", p.Name,
				"error", o.Job.Secrets.Clean(err.Error()))
		}
	}
	if usable > 0 {
		return nil
	}
	return first
}
