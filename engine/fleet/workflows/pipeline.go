package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const (
	firstSignal = time.Minute // how long Pipeline waits for the request that started it
	heldFirst   = 30 * time.Second
	heldMost    = 10 * time.Minute
	heldSlack   = 5 * time.Second // after the end of the lock, when it is known
)

// Pipeline runs one pipeline for the requests that it gets. Its ID is that of the place, so Temporal
// runs one at most. It ends after the run, when the sink has processed everything; requests that the
// run did not answer are left to the next run of the workflow. What a person must look at is in the
// state store: a refusal ends the workflow, and an approval starts one.
func Pipeline(ctx workflow.Context, in Input) (Report, error) {
	f := &flow{job: in.Job, inbox: newInbox(ctx, in), last: in.Last}
	f.enter(ctx, StageBegin)
	if err := f.answerQueries(ctx); err != nil {
		return Report{}, err
	}
	request, some := f.first(ctx)
	if !some {
		return f.end(ctx, Report{Result: ResultNothing}, nil)
	}
	if request.Job != nil {
		f.job, request.Job = *request.Job, nil
	}
	if request.How == ByApproval {
		approved, err := f.look(ctx)
		if err != nil || !approved {
			return f.end(ctx, Report{Result: ResultNothing, How: ByApproval}, err)
		}
	}
	report, err := f.run(ctx, request)
	if err == nil && report.Unsettled() {
		err = f.confirm(ctx, &report)
	}
	if err == nil && report.Lost > 0 {
		report, err = f.run(ctx, Request{How: ByLoss, Full: true})
		if err == nil && report.Unsettled() {
			err = f.confirm(ctx, &report)
		}
	}
	return f.end(ctx, report, err)
}

// flow is the state of a workflow Pipeline.
type flow struct {
	job      Job
	inbox    *inbox
	progress Progress
	last     *Report
}

func (f *flow) enter(ctx workflow.Context, stage string) {
	f.progress = Progress{Stage: stage, Since: workflow.Now(ctx)}
}

func (f *flow) answerQueries(ctx workflow.Context) error {
	err := workflow.SetQueryHandler(ctx, QueryProgress, func() (Progress, error) {
		p := f.progress
		p.Waiting = len(f.inbox.waiting)
		return p, nil
	})
	return errors.Join(err, workflow.SetQueryHandler(ctx, QueryReport, func() (*Report, error) { return f.last, nil }))
}

// first returns the request to begin with. It is in the signal with which the workflow was started.
func (f *flow) first(ctx workflow.Context) (Request, bool) {
	f.inbox.receive()
	if len(f.inbox.waiting) == 0 {
		f.sleep(ctx, firstSignal)
		f.inbox.receive()
	}
	return f.inbox.take()
}

// sleep waits for a time, a signal or the cancellation of the workflow.
func (f *flow) sleep(ctx workflow.Context, d time.Duration) {
	f.progress.Next = workflow.Now(ctx).Add(d)
	timers, cancel := workflow.WithCancel(ctx)
	s := workflow.NewSelector(ctx)
	s.AddFuture(workflow.NewTimer(timers, d), func(workflow.Future) {})
	f.inbox.watch(s)
	s.Select(ctx)
	cancel()
	f.progress.Next = time.Time{}
}

// look reports whether the store has an approval that a run may use.
func (f *flow) look(ctx workflow.Context) (bool, error) {
	f.enter(ctx, StageLook)
	var out Looked
	err := workflow.ExecuteActivity(short(ctx), ActivityLook, ConfirmInput{f.job}).Get(ctx, &out)
	return out.Approved, err
}

// shortFor is how long activities may take that take seconds. They send no heartbeats: it is also when
// another worker does what a worker that died had begun.
const shortFor = time.Minute

// short returns the context of activities that take seconds.
func short(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: shortFor, ScheduleToCloseTimeout: time.Hour,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 10 * time.Second, BackoffCoefficient: 2,
			MaximumInterval: 10 * time.Minute, NonRetryableErrorTypes: Final()},
	})
}

// run runs the pipeline once, and waits while another run holds the place.
func (f *flow) run(ctx workflow.Context, request Request) (Report, error) {
	began := workflow.Now(ctx)
	for pause := heldFirst; ; pause = min(2*pause, heldMost) {
		f.enter(ctx, StageRun)
		f.result(ctx, ResultRunning)
		var report Report
		err := workflow.ExecuteActivity(f.long(ctx), ActivityRun, RunInput{f.job, request}).Get(ctx, &report)
		f.inbox.receive()
		f.inbox.answered(request, f.job)
		if err != nil {
			return failed(err, request), err
		}
		report.How = request.How
		f.last = &report
		if report.Result != ResultHeld {
			return report, nil
		}
		now := workflow.Now(ctx)
		if now.Sub(began) >= f.job.Limits.Held {
			return report, temporal.NewNonRetryableApplicationError("another run holds the place", ResultHeld, nil,
				report)
		}
		f.enter(ctx, StageHeld)
		f.wait(ctx, max(pause, report.HeldUntil.Sub(now)+heldSlack))
		if err := ctx.Err(); err != nil {
			return report, err
		}
	}
}

// wait waits for a time, whatever signals come.
func (f *flow) wait(ctx workflow.Context, d time.Duration) {
	end := workflow.Now(ctx).Add(d)
	for left := d; left > 0 && ctx.Err() == nil; left = end.Sub(workflow.Now(ctx)) {
		f.sleep(ctx, left)
		f.inbox.receive()
	}
}

// long returns the context of the activity Run.
func (f *flow) long(ctx workflow.Context) workflow.Context {
	l := f.job.Limits
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           RunQueue(workflow.GetInfo(ctx).TaskQueueName),
		StartToCloseTimeout: l.Run, HeartbeatTimeout: l.Heartbeat, ScheduleToCloseTimeout: l.Retry,
		WaitForCancellation: true, // an upload that has begun ends first
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 30 * time.Second, BackoffCoefficient: 2,
			MaximumInterval: 15 * time.Minute, NonRetryableErrorTypes: Final()},
	})
}

// failed returns the report of a run without one: that in the details of its error.
func failed(err error, request Request) Report {
	var report Report
	if app := new(temporal.ApplicationError); errors.As(err, &app) && app.HasDetails() {
		if app.Details(&report) != nil {
			report = Report{}
		}
	}
	report.How = request.How
	switch {
	case temporal.IsCanceledError(err):
		report.Result = ResultCancelled
	case report.Result == "":
		report.Result = ResultFailed
	}
	return report
}

// end ends the workflow, or leaves the requests that wait to its next run.
func (f *flow) end(ctx workflow.Context, report Report, err error) (Report, error) {
	f.enter(ctx, StageEnd)
	if temporal.IsCanceledError(err) {
		report.Result = ResultCancelled
	}
	if report.Result == "" {
		report.Result = ResultFailed
	}
	f.last = &report
	f.result(ctx, report.Result)
	f.inbox.receive()
	if len(f.inbox.waiting) > 0 && !temporal.IsCanceledError(err) {
		return report, workflow.NewContinueAsNewError(ctx, TypePipeline,
			Input{Job: f.job, Requests: f.inbox.waiting, Seen: f.inbox.seen, Last: &report})
	}
	return report, err
}

// result sets the search attribute, where the namespace has it.
func (f *flow) result(ctx workflow.Context, result string) {
	if !f.job.Attributes {
		return
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeResult.ValueSet(result)); err != nil {
		workflow.GetLogger(ctx).Warn("the result is not in the search attributes", "result", result)
	}
}
