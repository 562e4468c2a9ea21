package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// beginFor is how long Start looks for a worker that can begin.
const beginFor = 24 * time.Hour

// Start asks a worker for the place of the pipeline, and starts Pipeline with the ID of the place.
// When that workflow runs already, the request joins it. It returns at once.
func Start(ctx workflow.Context, in StartInput) (Begun, error) {
	if in.Request.ID == "" {
		in.Request.ID = workflow.GetInfo(ctx).WorkflowExecution.RunID
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: shortFor, ScheduleToCloseTimeout: beginFor,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 10 * time.Second, BackoffCoefficient: 2,
			MaximumInterval: 10 * time.Minute, NonRetryableErrorTypes: Final()},
	})
	var begun Begun
	err := workflow.ExecuteActivity(ctx, ActivityBegin, in).Get(ctx, &begun)
	return begun, err
}
