package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/report"
)

// mostDelay bounds the pause that another end asks for.
const mostDelay = time.Hour

// againAfter is the pause before another worker goes on with a run whose worker ended.
const againAfter = time.Second

// ending reports whether the worker of an activity is told to end.
func ending(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}

// failure returns an error for Temporal by the class of another: it has the error's code and, if it
// is not nil, the report. The text stays in the log of the worker, since it may have refs. ending is
// whether the worker ends.
func failure(ending bool, err error, r *workflows.Report) error {
	code := report.CodeOf(err)
	kind, o := kindOf(err), temporal.ApplicationErrorOptions{}
	if r != nil {
		o.Details = []any{*r}
	}
	switch kind {
	case workflows.Permanent, workflows.Fatal, workflows.Wrong:
		o.NonRetryable = true
	case workflows.Stopped:
		if ending {
			o.NextRetryDelay = againAfter
		}
	case workflows.Throttled:
		if e := new(fault.Error); errors.As(err, &e) {
			o.NextRetryDelay = min(e.Delay, mostDelay)
		}
	}
	message := fmt.Sprintf("code %s; the log of the worker has the reason", code)
	if r != nil && r.Run != "" {
		message = fmt.Sprintf("run %s: %s", r.Run, message)
	}
	return temporal.NewApplicationErrorWithOptions(message, kind, o)
}

// kindOf returns the type of an error in package workflows. An error without a class is worth
// another try: it comes from this machine, such as a full disk. So is a run that was not saved.
func kindOf(err error) string {
	if errors.As(err, new(*fault.Unsaved)) {
		return workflows.Transient
	}
	switch job.ClassOf(err) {
	case job.Wrong:
		return workflows.Wrong
	case job.Held:
		return workflows.Transient
	}
	if errors.Is(err, fault.ErrStopped) || errors.Is(err, context.Canceled) {
		return workflows.Stopped
	}
	if e := new(fault.Error); errors.As(err, &e) {
		switch e.Class {
		case fault.Fatal:
			return workflows.Fatal
		case fault.Permanent:
			return workflows.Permanent
		case fault.Throttled:
			return workflows.Throttled
		}
	}
	return workflows.Transient
}
