package activities

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/folder"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/state"
)

// Starter starts workflows; it is a part of client.Client.
type Starter interface {
	SignalWithStartWorkflow(ctx context.Context, workflowID, signalName string, signalArg any,
		options client.StartWorkflowOptions, workflow any, workflowArgs ...any) (client.WorkflowRun, error)
}

// Beater delivers a heartbeat and waits for the answer; it is a part of client.Client.
type Beater interface {
	RecordActivityHeartbeat(ctx context.Context, taskToken []byte, details ...any) error
}

// Options are what the activities need.
type Options struct {
	// Job are the options of each run. Path, Text, RunID, Only, Loaded and State are set here.
	Job job.Options
	// State opens the state store of a pipeline; required. The function that it returns closes it.
	State func(ctx context.Context, pipeline string) (state.Store, func(), error)
	// Folder is the folder of the fleet. Checkout, if it is not nil, is verified before each use.
	Folder   string
	Checkout *folder.Checkout
	// Grace is how long a run may go on to end an upload after it was told to stop.
	Grace time.Duration
	// ReportFile is the file to which the record of each run is appended; "" for none.
	ReportFile string
	Starter    Starter
	Beater     Beater
	Log        *slog.Logger
}

// Activities are the activities of a worker.
type Activities struct{ o Options }

// New returns the activities.
func New(o Options) *Activities {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Job.Secrets == nil {
		o.Job.Secrets = &redact.Redactor{}
	}
	return &Activities{o}
}

// Register registers the activities that take seconds, under their names.
func (a *Activities) Register(r worker.ActivityRegistry) {
	for name, f := range map[string]any{workflows.ActivityBegin: a.Begin, workflows.ActivityConfirm: a.Confirm,
		workflows.ActivityLook: a.Look} {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}

// RegisterRun registers the activity Run.
func (a *Activities) RegisterRun(r worker.ActivityRegistry) {
	r.RegisterActivityWithOptions(a.Run, activity.RegisterOptions{Name: workflows.ActivityRun})
}

// found is a pipeline file as it is now.
type found struct {
	pipeline  string // its name in the fleet
	path, sha string
	text      []byte
	commit    string // "" without a checkout
}

// find returns the file of a job. It returns a *fault.Invalid when the checkout is not at its commit
// or has changes, when the fleet has another name, and when the file is not the pinned one.
func (a *Activities) find(ctx context.Context, j workflows.Job) (*found, error) {
	out := &found{pipeline: j.Pipeline}
	if a.o.Checkout != nil {
		if err := a.o.Checkout.Verify(ctx); err != nil {
			return nil, err
		}
		out.commit = a.o.Checkout.Commit
	}
	fleet, err := folder.Read(ctx, a.o.Folder, a.o.Job.Lookup)
	if err != nil {
		return nil, err
	}
	if fleet.Name != j.Fleet {
		return nil, &fault.Invalid{Reason: fmt.Sprintf("the request is for the fleet %s, and this worker has %s",
			j.Fleet,
			fleet.Name), Remedy: "give each fleet task queues of its own"}
	}
	p, err := fleet.Find(j.Pipeline)
	if err != nil {
		return nil, err
	}
	out.path = p.Path
	if out.text, out.sha, err = p.Text(); err != nil {
		return nil, err
	}
	if j.SHA256 != "" && j.SHA256 != out.sha {
		return nil, &fault.Invalid{
			Reason: fmt.Sprintf("%s has the hash %.12s, and the schedule was made for %.12s", p.Path, out.sha,
				j.SHA256),
			Remedy: "run pipe-worker fleet apply with this folder, or restore the file"}
	}
	return out, nil
}

// options returns how a file is loaded, without state.
func (a *Activities) options(f *found) job.Options {
	o := a.o.Job
	o.Path, o.Text, o.Log, o.State = f.path, f.text, a.o.Log, state.None{}
	return o
}

// store opens the state store of a pipeline, and verifies that it can be used.
func (a *Activities) store(ctx context.Context, f *found) (store state.Store, end func(), err error) {
	o := a.options(f)
	if o.State, end, err = a.o.State(ctx, f.pipeline); err != nil {
		return nil, nil, err
	}
	if store, err = o.StateStore(); err != nil {
		end()
		return nil, nil, err
	}
	return store, end, nil
}

// sink loads a file and opens its sink. The caller closes both.
func (a *Activities) sink(ctx context.Context, f *found) (file *job.File, sink component.Sink, err error) {
	if file, err = job.Load(ctx, a.options(f)); err != nil {
		return nil, nil, err
	}
	if sink, err = file.Definition.OpenSink(file.Settings()); err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, sink, nil
}

// with calls an activity with the pipeline file of a job as it is now and its sink.
func (a *Activities) with(ctx context.Context, name string, j workflows.Job,
	f func(found *found, file *job.File, sink component.Sink) error,
) error {
	return a.do(ctx, name, j, func() error {
		found, err := a.find(ctx, j)
		if err != nil {
			return err
		}
		file, sink, err := a.sink(ctx, found)
		if err != nil {
			return err
		}
		defer file.Close()
		defer sink.Close()
		return f(found, file, sink)
	})
}

// do calls an activity, logs its error, and returns it without its text.
func (a *Activities) do(ctx context.Context, name string, j workflows.Job, f func() error) error {
	err := a.guarded(f)
	if err == nil {
		return nil
	}
	a.o.Log.Error("activity failed", "activity", name, "pipeline", j.Pipeline, "code", report.CodeOf(err),
		"error", a.o.Job.Secrets.Clean(err.Error()))
	return failure(ending(ctx), err, nil)
}

// guarded makes a panic an error, and logs it.
func (a *Activities) guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			a.o.Log.Error("this is a defect in pipe-worker", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}
