package fleet

import (
	"context"
	"errors"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/schedules"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/run"
)

// Ask asks for a run of a pipeline, by a person, and waits until a worker has begun it or joined it to
// the run that goes on. how is one of workflows.By….
func (o *Operation) Ask(ctx context.Context, pipeline, how, who string, full bool) (*workflows.Begun, error) {
	p, err := o.Fleet.Find(pipeline)
	if err != nil {
		return nil, err
	}
	_, sha, err := p.Text()
	if err != nil {
		return nil, err
	}
	in := workflows.StartInput{Job: schedules.JobOf(o.Fleet, *p, sha, o.attributes(ctx, true).Present()),
		Request: workflows.Request{How: how, By: digest(who), Full: full}}
	started, err := o.c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: schedules.StartID(o.Fleet.Name, p.Name) + "/" + run.NewRunID(), TaskQueue: p.TaskQueue,
	}, workflows.TypeStart, in)
	if err != nil {
		return nil, schedules.Failed("start the run", err)
	}
	var begun workflows.Begun
	if err := started.Get(ctx, &begun); err != nil {
		return nil, failedWorkflow("start the run", err)
	}
	return &begun, nil
}

// Await waits until the workflow of a run has ended, and returns its report. The error is that of a
// run without a result.
func (o *Operation) Await(ctx context.Context, b *workflows.Begun) (*workflows.Report, error) {
	var report workflows.Report
	err := o.c.GetWorkflow(ctx, b.Workflow, b.Run).Get(ctx, &report)
	if app := new(temporal.ApplicationError); errors.As(err, &app) && app.HasDetails() && app.Details(&report) == nil {
		return &report, failedWorkflow("the run", err)
	}
	if err != nil {
		return nil, failedWorkflow("the run", err)
	}
	return &report, nil
}

// failedWorkflow returns the error of a workflow with its class. The text of the failure has no more
// than codes and IDs.
func failedWorkflow(what string, err error) error {
	class, remedy := fault.Transient, "the log of the worker has the reason"
	if app := new(temporal.ApplicationError); errors.As(err, &app) {
		switch app.Type() {
		case workflows.Wrong:
			return &fault.Invalid{Reason: what + ": " + app.Message(), Remedy: remedy}
		case workflows.Fatal:
			class = fault.Fatal
		case workflows.Permanent:
			class = fault.Permanent
		}
		return fault.Errorf(class, remedy, "%s: %s", what, app.Message())
	}
	return schedules.Failed(what, err)
}
