package workflows

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// world runs a workflow with skipped time, and activities that answer what a test says.
type world struct {
	*testsuite.TestWorkflowEnvironment
	t   *testing.T
	job Job

	mu       sync.Mutex
	runs     []RunInput // each attempt
	ranAt    []time.Time
	polledAt []time.Time
	looks    int
	begun    []StartInput

	run     func(attempt int) (Report, error) // 1 is the first of all attempts
	confirm func(poll int) (Confirmed, error)
	look    func() (Looked, error)
	begin   func(attempt int) (Begun, error)
}

var testJob = Job{Fleet: "larkspur", Pipeline: "payments", Team: "platform", Region: "eu",
	Limits: Limits{Run: 12 * time.Hour, Heartbeat: time.Minute, Retry: 24 * time.Hour, Held: 12 * time.Hour,
		Confirm: 24 * time.Hour}}

func newWorld(t *testing.T) *world {
	var suite testsuite.WorkflowTestSuite
	w := &world{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, job: testJob,
		run:     func(int) (Report, error) { return Report{Run: "01A", Result: ResultDone, Sent: true}, nil },
		confirm: func(int) (Confirmed, error) { return Confirmed{}, nil },
		look:    func() (Looked, error) { return Looked{}, nil },
		begin:   func(int) (Begun, error) { return Begun{Workflow: "pipe/place", Run: "r"}, nil },
	}
	w.SetTestTimeout(time.Minute)
	w.SetStartTime(time.Date(2026, time.March, 1, 2, 0, 0, 0, time.UTC))
	register := func(name string, f any) {
		w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	register(ActivityRun, func(_ context.Context, in RunInput) (Report, error) {
		w.mu.Lock()
		w.runs, w.ranAt = append(w.runs, in), append(w.ranAt, w.Now())
		n := len(w.runs)
		w.mu.Unlock()
		return w.run(n)
	})
	register(ActivityConfirm, func(context.Context, ConfirmInput) (Confirmed, error) {
		w.mu.Lock()
		w.polledAt = append(w.polledAt, w.Now())
		n := len(w.polledAt)
		w.mu.Unlock()
		return w.confirm(n)
	})
	register(ActivityLook, func(context.Context, ConfirmInput) (Looked, error) {
		w.mu.Lock()
		w.looks++
		w.mu.Unlock()
		return w.look()
	})
	register(ActivityBegin, func(_ context.Context, in StartInput) (Begun, error) {
		w.mu.Lock()
		w.begun = append(w.begun, in)
		n := len(w.begun)
		w.mu.Unlock()
		return w.begin(n)
	})
	w.RegisterWorkflowWithOptions(Pipeline, workflow.RegisterOptions{Name: TypePipeline})
	w.RegisterWorkflowWithOptions(Start, workflow.RegisterOptions{Name: TypeStart})
	return w
}

// after sends a signal at a time after the start.
func (w *world) after(d time.Duration, signal string, data any) {
	w.RegisterDelayedCallback(func() { w.SignalWorkflow(signal, data) }, d)
}

// request asks for a run at the start.
func (w *world) request(r Request) { w.after(0, SignalRequest, r) }

// pipeline runs the workflow to its end and returns its report.
func (w *world) pipeline() (Report, error) {
	w.t.Helper()
	w.ExecuteWorkflow(TypePipeline, Input{Job: w.job})
	if !w.IsWorkflowCompleted() {
		w.t.Fatal("the workflow has not ended")
	}
	var out Report
	err := w.GetWorkflowError()
	if app := new(temporal.ApplicationError); errors.As(err, &app) && app.HasDetails() {
		if err := app.Details(&out); err != nil {
			w.t.Error(err)
		}
	}
	if err != nil {
		return out, err
	}
	return out, w.GetWorkflowResult(&out)
}

// next returns the input of the next run of the workflow, when it left requests to it.
func (w *world) next(err error) (Input, bool) {
	w.t.Helper()
	again := new(workflow.ContinueAsNewError)
	if !errors.As(err, &again) {
		return Input{}, false
	}
	var in Input
	if err := convert(again.Input.GetPayloads(), &in); err != nil {
		w.t.Fatal(err)
	}
	return in, true
}

func failure(kind string, o temporal.ApplicationErrorOptions) error {
	for _, final := range Final() {
		o.NonRetryable = o.NonRetryable || kind == final
	}
	return temporal.NewApplicationErrorWithOptions("code x", kind, o)
}
