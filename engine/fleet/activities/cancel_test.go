package activities

import (
	"context"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
)

// wrap makes each sink that is opened another one.
func (f *fleet) wrap(change func(component.Sink) component.Sink) {
	spec := &f.o.Job.Registry.Sinks[0]
	open := spec.Open
	spec.Open = func(cfg any, s component.Settings) (component.Sink, error) {
		sink, err := open(cfg, s)
		if err != nil {
			return nil, err
		}
		return change(sink), nil
	}
}

// slow is a sink whose uploads end only with their context. It says when one has begun.
type slow struct {
	component.Sink
	begun chan struct{}
}

func (s slow) Open(ctx context.Context, o component.Opening) (component.Session, error) {
	session, err := s.Sink.Open(ctx, o)
	return slowSession{session, s.begun}, err
}

type slowSession struct {
	component.Session
	begun chan struct{}
}

func (s slowSession) Publish(ctx context.Context, _ *component.Plan) error {
	close(s.begun)
	<-ctx.Done()
	return ctx.Err()
}

// canceler answers heartbeats with a cancellation once an upload has begun.
type canceler struct{ begun chan struct{} }

func (c canceler) RecordActivityHeartbeat(ctx context.Context, _ []byte, _ ...any) error {
	select {
	case <-c.begun:
		return temporal.NewCanceledError()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestRunCancelled: a run that a person cancels is cancelled, also when its upload outlives the grace time.
// It is not tried again.
func TestRunCancelled(t *testing.T) {
	f := newFleet(t)
	begun := make(chan struct{})
	f.o.Beater, f.o.Grace = canceler{begun}, 10*time.Millisecond
	f.wrap(func(s component.Sink) component.Sink { return slow{s, begun} })
	env := new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment()
	env.RegisterActivityWithOptions(f.Run, activity.RegisterOptions{Name: workflows.ActivityRun})
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Hour,
			HeartbeatTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1}})
		return workflow.ExecuteActivity(ctx, workflows.ActivityRun, workflows.RunInput{Job: job1}).Get(ctx, nil)
	})
	select {
	case <-begun:
	default:
		t.Error("no upload began")
	}
	if err := env.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("%v\n%s", err, f.log.String())
	}
}
