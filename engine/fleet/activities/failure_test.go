package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
)

// TestFailure: the type, the pause and whether an error is tried again follow from its class. Its text
// is not in what Temporal gets.
func TestFailure(t *testing.T) {
	const canary = "canary@example.com"
	fatal := fault.Errorf(fault.Fatal, "", canary)
	for name, tc := range map[string]struct {
		err   error
		kind  string
		final bool
		delay time.Duration
	}{
		"transient": {fault.Errorf(fault.Transient, "", canary), workflows.Transient, false, 0},
		"throttled": {&fault.Error{Class: fault.Throttled, Delay: 7 * time.Minute, Err: errors.New(canary)},
			workflows.Throttled, false, 7 * time.Minute},
		"throttled for days": {&fault.Error{Class: fault.Throttled, Delay: 70 * time.Hour, Err: errors.New(canary)},
			workflows.Throttled, false, mostDelay},
		"permanent": {fault.Errorf(fault.Permanent, "", canary), workflows.Permanent, true, 0},
		"fatal":     {fmt.Errorf("read: %w", fatal), workflows.Fatal, true, 0},
		"no class":  {errors.New(canary), workflows.Transient, false, 0},
		"wrong":     {&fault.Invalid{Reason: canary}, workflows.Wrong, true, 0},
		"state":     {&fault.StateError{Err: errors.New(canary)}, workflows.Wrong, true, 0},
		"stopped":   {fault.ErrStopped, workflows.Stopped, false, againAfter},
		"cancelled": {context.Canceled, workflows.Stopped, false, againAfter},
		"not saved": {errors.Join(&fault.Unconfirmed{}, &fault.Unsaved{}, fatal, context.Canceled), workflows.Transient,
			false, 0},
		"lost": {errors.Join(errLost, context.Canceled), workflows.Stopped, false, againAfter},
	} {
		err := failure(true, tc.err, &workflows.Report{Run: "01A"})
		app := new(temporal.ApplicationError)
		if !errors.As(err, &app) {
			t.Fatal(err)
		}
		if app.Type() != tc.kind || app.NonRetryable() != tc.final || app.NextRetryDelay() != tc.delay {
			t.Errorf("%s: %s, final %t, after %v", name, app.Type(), app.NonRetryable(), app.NextRetryDelay())
		}
		if strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "01A") || !app.HasDetails() {
			t.Errorf("%s: %v", name, err)
		}
		// While the worker goes on, a run that its time stopped is not begun again at once.
		if tc.kind == workflows.Stopped && (!errors.As(failure(false, tc.err, nil), &app) || app.NextRetryDelay() != 0) {
			t.Errorf("%s: after %v on a worker that goes on", name, app.NextRetryDelay())
		}
	}
}
