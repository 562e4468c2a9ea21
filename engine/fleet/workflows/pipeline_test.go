package workflows

import (
	"errors"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

func convert(all []*commonpb.Payload, into any) error {
	if len(all) == 0 {
		return errors.New("there is no payload")
	}
	return converter.GetDefaultDataConverter().FromPayload(all[0], into)
}

// TestResults: done, rejected and refused are results: the workflow completes after one attempt.
func TestResults(t *testing.T) {
	for _, result := range []string{ResultDone, ResultRejected, ResultRefused} {
		w := newWorld(t)
		w.request(Request{ID: "1", How: BySchedule})
		w.run = func(int) (Report, error) {
			return Report{Run: "01A", Result: result, Refusal: "mqmy6t3w2zx4", Changes: 7,
				Guards: []string{"max_loss"}}, nil
		}
		r, err := w.pipeline()
		if err != nil || r.Result != result || r.Run != "01A" || r.How != BySchedule || len(w.runs) != 1 {
			t.Errorf("%s: %+v, %v, %d runs", result, r, err, len(w.runs))
		}
		if len(w.polledAt) > 0 {
			t.Errorf("%s: asked the sink", result)
		}
		if result == ResultRefused && (r.Refusal != "mqmy6t3w2zx4" || r.Changes != 7 || len(r.Guards) != 1) {
			t.Errorf("the refusal is %+v", r)
		}
	}
}

// TestRetries: transient errors are tried again with pauses that grow, throttled ones after their
// delay, those of a stopped worker soon, and the others never.
func TestRetries(t *testing.T) {
	for kind, want := range map[string]struct {
		delay       time.Duration // of the error
		first, next time.Duration // pauses
	}{
		Transient: {0, 30 * time.Second, time.Minute},
		Throttled: {7 * time.Minute, 7 * time.Minute, 7 * time.Minute},
		Stopped:   {time.Second, time.Second, time.Second},
	} {
		w := newWorld(t)
		w.request(Request{ID: "1", How: BySchedule})
		w.run = func(attempt int) (Report, error) {
			if attempt < 3 {
				return Report{}, failure(kind, temporal.ApplicationErrorOptions{NextRetryDelay: want.delay})
			}
			return Report{Run: "01C", Result: ResultDone}, nil
		}
		r, err := w.pipeline()
		if err != nil || r.Run != "01C" || len(w.runs) != 3 {
			t.Fatalf("%s: %+v, %v, %d attempts", kind, r, err, len(w.runs))
		}
		if a, b := w.ranAt[1].Sub(w.ranAt[0]), w.ranAt[2].Sub(w.ranAt[1]); a != want.first || b != want.next {
			t.Errorf("%s: pauses of %v and %v", kind, a, b)
		}
	}
	for _, kind := range Final() {
		w := newWorld(t)
		w.request(Request{ID: "1", How: ByPerson})
		w.run = func(int) (Report, error) {
			return Report{}, failure(kind, temporal.ApplicationErrorOptions{Details: []any{Report{Run: "01A", Code: "x",
				Result: ResultFailed}}})
		}
		r, err := w.pipeline()
		app := new(temporal.ApplicationError)
		if !errors.As(err, &app) || app.Type() != kind || len(w.runs) != 1 || r.Run != "01A" {
			t.Errorf("%s: %+v, %v, %d attempts", kind, r, err, len(w.runs))
		}
	}
}

// TestRetryEnds: a run is not tried again after Limits.Retry.
func TestRetryEnds(t *testing.T) {
	w := newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.job.Limits.Retry = 10 * time.Minute
	w.run = func(int) (Report, error) { return Report{}, failure(Transient, temporal.ApplicationErrorOptions{}) }
	start := w.Now()
	if _, err := w.pipeline(); err == nil {
		t.Error("the run succeeded")
	}
	if last := w.ranAt[len(w.ranAt)-1].Sub(start); last > 10*time.Minute || len(w.runs) != 5 {
		t.Errorf("%d attempts, the last after %v", len(w.runs), last)
	}
}

// TestHeld: while another run holds the place the workflow waits with a timer, and until the end of
// its lock when that is known. It gives up after Limits.Held.
func TestHeld(t *testing.T) {
	w := newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	until := w.Now().Add(time.Hour)
	w.run = func(attempt int) (Report, error) {
		switch attempt {
		case 1:
			return Report{Run: "01A", Result: ResultHeld}, nil
		case 2:
			return Report{Run: "01B", Result: ResultHeld, HeldUntil: until}, nil
		}
		return Report{Run: "01C", Result: ResultDone}, nil
	}
	r, err := w.pipeline()
	if err != nil || r.Run != "01C" || len(w.runs) != 3 {
		t.Fatalf("%+v, %v, %d attempts", r, err, len(w.runs))
	}
	if a := w.ranAt[1].Sub(w.ranAt[0]); a != heldFirst {
		t.Errorf("the first pause is %v", a)
	}
	if !w.ranAt[2].Equal(until.Add(heldSlack)) {
		t.Errorf("ran at %v, the lock ended at %v", w.ranAt[2], until)
	}

	w = newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.run = func(int) (Report, error) { return Report{Run: "01A", Result: ResultHeld}, nil }
	start := w.Now()
	r, err = w.pipeline()
	if app := new(temporal.ApplicationError); !errors.As(err, &app) || app.Type() != ResultHeld ||
		r.Result != ResultHeld {
		t.Errorf("%+v, %v", r, err)
	}
	if d := w.ranAt[len(w.ranAt)-1].Sub(start); d < testJob.Limits.Held || d > testJob.Limits.Held+heldMost {
		t.Errorf("gave up after %v", d)
	}
}

// TestHeldWaits: a signal does not shorten the wait for another run.
func TestHeldWaits(t *testing.T) {
	w := newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.after(5*time.Second, SignalRequest, Request{How: ByApproval})
	w.after(6*time.Second, SignalRequest, Request{ID: "2", How: ByPerson})
	w.run = func(attempt int) (Report, error) {
		if attempt == 1 {
			return Report{Result: ResultHeld}, nil
		}
		return Report{Result: ResultRefused}, nil
	}
	_, err := w.pipeline()
	if len(w.runs) != 2 || w.ranAt[1].Sub(w.ranAt[0]) != heldFirst {
		t.Errorf("ran at %v", w.ranAt)
	}
	// The run answered the request that came before it; the hint is left to the next run.
	if in, again := w.next(err); !again || len(in.Requests) != 1 || in.Requests[0].How != ByApproval {
		t.Errorf("left %+v, %v", in, err)
	}
}

// TestJoined: a run that goes on answers a request, unless that asks for more or names an approval; a
// request that comes twice counts once.
func TestJoined(t *testing.T) {
	for name, tc := range map[string]struct {
		first, second Request
		left          int
	}{
		"schedule":   {Request{ID: "1"}, Request{ID: "2", How: BySchedule}, 0},
		"twice":      {Request{ID: "1"}, Request{ID: "1", How: BySchedule, Full: true}, 0},
		"full":       {Request{ID: "1"}, Request{ID: "2", How: ByPerson, Full: true}, 1},
		"both full":  {Request{ID: "1", Full: true}, Request{ID: "2", Full: true}, 0},
		"approval":   {Request{ID: "1"}, Request{ID: "2", How: ByApproval}, 1},
		"same job":   {Request{ID: "1"}, Request{ID: "2", How: BySchedule, Job: &testJob}, 0},
		"other job":  {Request{ID: "1"}, Request{ID: "2", How: BySchedule, Job: &otherJob}, 1},
		"full, less": {Request{ID: "1", Full: true}, Request{ID: "2"}, 0},
	} {
		w := newWorld(t)
		w.request(tc.first)
		w.run = func(attempt int) (Report, error) {
			if attempt == 1 { // the signal comes while the run goes on
				return Report{}, failure(Transient, temporal.ApplicationErrorOptions{})
			}
			return Report{Run: "01A", Result: ResultDone}, nil
		}
		w.after(10*time.Second, SignalRequest, tc.second)
		_, err := w.pipeline()
		in, again := w.next(err)
		if again != (tc.left > 0) || len(in.Requests) != tc.left {
			t.Errorf("%s: left %+v, %v", name, in.Requests, err)
		}
		if again && (in.Last == nil || in.Last.Run != "01A" || in.Job != testJob ||
			in.Requests[0].Full != tc.second.Full) {
			t.Errorf("%s: the next run gets %+v", name, in)
		}
	}
}

// otherJob is the job of the pipeline after its file has changed.
var otherJob = Job{Fleet: "larkspur", Pipeline: "payments", SHA256: "f00", Limits: testJob.Limits}

// TestLatestJob: a run is that of the latest request, also when an earlier one started the workflow.
func TestLatestJob(t *testing.T) {
	w := newWorld(t)
	w.request(Request{ID: "1", How: BySchedule, Job: &otherJob})
	if _, err := w.pipeline(); err != nil {
		t.Fatal(err)
	}
	if len(w.runs) != 1 || w.runs[0].Job != otherJob || w.runs[0].Request.Job != nil {
		t.Errorf("ran %+v", w.runs)
	}
	b := &inbox{}
	b.add(Request{ID: "1", Job: &testJob})
	b.add(Request{ID: "2", Job: &otherJob})
	b.add(Request{How: ByApproval})
	if merged, _ := b.take(); merged.Job != &otherJob {
		t.Errorf("the job is %+v", merged.Job)
	}
}

// TestMerged: requests that wait become one run, which publishes everything when one of them does.
func TestMerged(t *testing.T) {
	w := newWorld(t)
	w.after(0, SignalRequest, Request{ID: "3", How: ByApproval})
	w.after(0, SignalRequest, Request{ID: "1", How: BySchedule})
	w.after(0, SignalRequest, Request{ID: "2", How: ByPerson, By: "3f", Full: true})
	if _, err := w.pipeline(); err != nil {
		t.Fatal(err)
	}
	if len(w.runs) != 1 || !w.runs[0].Request.Full || w.runs[0].Request.How != BySchedule || w.looks != 0 {
		t.Errorf("ran %+v, %d looks", w.runs, w.looks)
	}
}

// TestHint: a hint makes a run only when the store has an approval. Without any signal nothing runs.
func TestHint(t *testing.T) {
	for _, approved := range []bool{false, true} {
		w := newWorld(t)
		w.request(Request{ID: "1", How: ByApproval})
		w.look = func() (Looked, error) { return Looked{approved}, nil }
		r, err := w.pipeline()
		if err != nil || w.looks != 1 || (len(w.runs) == 1) != approved || (r.Result == ResultDone) != approved {
			t.Errorf("approved %t: %+v, %v, %d runs", approved, r, err, len(w.runs))
		}
	}
	w := newWorld(t)
	if r, err := w.pipeline(); err != nil || r.Result != ResultNothing || len(w.runs)+w.looks != 0 {
		t.Errorf("without a signal: %+v, %v", r, err)
	}
	w = newWorld(t)
	w.request(Request{ID: "1", How: ByApproval})
	w.look = func() (Looked, error) { return Looked{}, failure(Wrong, temporal.ApplicationErrorOptions{}) }
	if _, err := w.pipeline(); err == nil || len(w.runs) != 0 {
		t.Errorf("a store that cannot be read: %v, %d runs", err, len(w.runs))
	}
}

// TestCancel: a cancellation waits for the end of the activity, and ends timers at once.
func TestCancel(t *testing.T) {
	w := newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.run = func(int) (Report, error) {
		return Report{}, failure(Transient, temporal.ApplicationErrorOptions{})
	}
	w.RegisterDelayedCallback(w.CancelWorkflow, 10*time.Second)
	if _, err := w.pipeline(); !temporal.IsCanceledError(err) {
		t.Errorf("while it runs: %v", err)
	}

	w = newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.run = func(int) (Report, error) { return Report{Result: ResultDone, Confirmed: Confirmed{Pending: 1}}, nil }
	w.confirm = func(int) (Confirmed, error) { return Confirmed{Pending: 1}, nil }
	w.RegisterDelayedCallback(w.CancelWorkflow, time.Hour)
	start := w.Now()
	if _, err := w.pipeline(); !temporal.IsCanceledError(err) || w.Now().Sub(start) > time.Hour+time.Minute {
		t.Errorf("while it confirms: %v after %v", err, w.Now().Sub(start))
	}

	w = newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.run = func(int) (Report, error) { return Report{Result: ResultHeld}, nil }
	w.RegisterDelayedCallback(w.CancelWorkflow, time.Hour)
	if _, err := w.pipeline(); !temporal.IsCanceledError(err) {
		t.Errorf("while it is held: %v", err)
	}
}

// TestQueries: progress says what the workflow waits for, report has the last result.
func TestQueries(t *testing.T) {
	w := newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.run = func(int) (Report, error) {
		return Report{Run: "01A", Result: ResultDone, Confirmed: Confirmed{Pending: 2}}, nil
	}
	w.confirm = func(poll int) (Confirmed, error) { return Confirmed{Pending: max(0, 3-poll)}, nil }
	ask := func(name string, into any) {
		t.Helper()
		answer, err := w.QueryWorkflow(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Get(into); err != nil {
			t.Fatal(err)
		}
	}
	w.RegisterDelayedCallback(func() {
		var p Progress
		ask(QueryProgress, &p)
		if p.Stage != StageConfirm || p.Next.IsZero() {
			t.Errorf("progress: %+v", p)
		}
		var r *Report
		ask(QueryReport, &r)
		if r == nil || r.Run != "01A" || r.Result != ResultUnconfirmed {
			t.Errorf("report: %+v", r)
		}
	}, 90*time.Second)
	if _, err := w.pipeline(); err != nil {
		t.Fatal(err)
	}
	var p Progress
	ask(QueryProgress, &p)
	var r *Report
	ask(QueryReport, &r)
	if p.Stage != StageEnd || r == nil || r.Result != ResultDone {
		t.Errorf("at the end: %+v, %+v", p, r)
	}
}
