package workflows

import (
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
)

// TestStart: Start begins once, with an ID for the request that stays the same when it is tried again.
func TestStart(t *testing.T) {
	w := newWorld(t)
	w.begin = func(attempt int) (Begun, error) {
		if attempt < 3 {
			return Begun{}, failure(Transient, temporal.ApplicationErrorOptions{})
		}
		return Begun{Workflow: "pipe/place", Run: "r"}, nil
	}
	start := w.Now()
	w.ExecuteWorkflow(TypeStart, StartInput{Job: testJob, Request: Request{How: BySchedule, Full: true}})
	var out Begun
	if err := w.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if err := w.GetWorkflowResult(&out); err != nil || out.Workflow != "pipe/place" || len(w.begun) != 3 {
		t.Fatalf("%+v, %v, %d attempts", out, err, len(w.begun))
	}
	first := w.begun[0].Request
	if first.ID == "" || first != w.begun[2].Request || !first.Full || w.Now().Sub(start) != 30*time.Second {
		t.Errorf("%+v after %v", w.begun, w.Now().Sub(start))
	}

	w = newWorld(t)
	w.begin = func(int) (Begun, error) { return Begun{}, failure(Wrong, temporal.ApplicationErrorOptions{}) }
	w.ExecuteWorkflow(TypeStart, StartInput{Job: testJob})
	if err := w.GetWorkflowError(); err == nil || len(w.begun) != 1 {
		t.Errorf("%v, %d attempts", err, len(w.begun))
	}
}
