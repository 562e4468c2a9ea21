package activities

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/state"
)

// workflowID returns the ID of the workflow Pipeline of a place: Temporal runs one at most, so no two
// runs of a fleet write to a place at once.
func workflowID(place string) string { return "pipe/" + state.KeyOf(place) }

// MemoKey is the key of the memo of the workflow Pipeline, and Memo is its value.
const MemoKey = "pipe"

// Memo says which pipeline a workflow runs.
type Memo struct {
	Fleet    string `json:"fleet"`
	Pipeline string `json:"pipeline"`
}

// Begin finds the place of the pipeline, and starts the workflow of the place with the request. When
// that workflow runs, it gets the request as a signal. A second call with the same request changes
// nothing.
func (a *Activities) Begin(ctx context.Context, in workflows.StartInput) (out workflows.Begun, err error) {
	err = a.with(ctx, workflows.ActivityBegin, in.Job, func(_ *found, _ *job.File, sink component.Sink) error {
		out.Workflow = workflowID(sink.Place())
		o := client.StartWorkflowOptions{
			ID: out.Workflow, TaskQueue: activity.GetInfo(ctx).TaskQueue,
			Memo:                  map[string]any{MemoKey: Memo{in.Job.Fleet, in.Job.Pipeline}},
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		}
		if in.Job.Attributes {
			o.TypedSearchAttributes = workflows.AttributesOf(in.Job)
		}
		in.Request.Job = &in.Job
		run, err := a.o.Starter.SignalWithStartWorkflow(ctx, out.Workflow, workflows.SignalRequest, in.Request, o,
			workflows.TypePipeline, workflows.Input{Job: in.Job})
		if err != nil {
			return err
		}
		out.Run = run.GetRunID()
		return nil
	})
	return out, err
}
