package workflows

import (
	"context"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// TestShortActivities: what a worker that died had begun is done by another one within a minute: only
// runs take longer, and those send heartbeats.
func TestShortActivities(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range []string{TypeStart, TypePipeline} {
		w := newWorld(t)
		w.run = func(int) (Report, error) { return Report{Run: "01A", Result: ResultUnconfirmed, Sent: true}, nil }
		w.look = func() (Looked, error) { return Looked{Approved: true}, nil }
		w.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
			seen[info.ActivityType.Name] = true
			if info.StartToCloseTimeout > time.Minute && info.HeartbeatTimeout == 0 {
				t.Errorf("%s may take %v without a heartbeat", info.ActivityType.Name, info.StartToCloseTimeout)
			}
		})
		if kind == TypeStart {
			w.ExecuteWorkflow(kind, StartInput{Job: testJob})
			continue
		}
		w.request(Request{ID: "a", How: ByApproval})
		if _, err := w.pipeline(); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 4 {
		t.Errorf("only %v began", seen)
	}
}
