package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// The pauses between two questions to the sink: they double from the first to the longest.
const (
	pollFirst = time.Minute
	pollMost  = time.Hour
)

// confirm asks the sink until it has processed everything, for up to Limits.Confirm. No process waits
// in between. A request for a run ends it: the next run sends what is missing. A hint makes it ask
// now. It returns only the error of a cancellation.
func (f *flow) confirm(ctx workflow.Context, report *Report) error {
	f.enter(ctx, StageConfirm)
	f.result(ctx, ResultUnconfirmed)
	settled := ResultDone
	if report.Endings[ResultRejected] > 0 {
		settled = ResultRejected
	}
	report.Result = ResultUnconfirmed
	f.last = report
	end := workflow.Now(ctx).Add(f.job.Limits.Confirm)
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		left := end.Sub(workflow.Now(ctx))
		if left <= 0 {
			return nil
		}
		f.pauseOrHint(ctx, min(pause, left))
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.inbox.runs() {
			return nil
		}
		var found Confirmed
		err := workflow.ExecuteActivity(short(ctx), ActivityConfirm, ConfirmInput{f.job}).Get(ctx, &found)
		f.inbox.receive()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // the sink is asked again later
			workflow.GetLogger(ctx).Warn("the sink did not say whether it has processed the run")
			continue
		}
		report.Confirmed = found
		report.Polls++
		switch {
		case found.Lost > 0:
			return nil
		case found.Pending+found.Paused == 0:
			report.Result = settled
			return nil
		}
	}
}

// pauseOrHint waits for a time, until a hint comes, or until a request does, which stays in the inbox.
func (f *flow) pauseOrHint(ctx workflow.Context, d time.Duration) {
	end := workflow.Now(ctx).Add(d)
	for left := d; left > 0 && ctx.Err() == nil; left = end.Sub(workflow.Now(ctx)) {
		if f.inbox.hints() || f.inbox.runs() {
			return
		}
		f.sleep(ctx, left)
		f.inbox.receive()
	}
}
