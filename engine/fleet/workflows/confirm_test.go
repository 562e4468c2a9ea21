package workflows

import (
	"errors"
	"testing"
	"time"
)

// pending makes runs whose sink has not processed everything.
func (w *world) pending(result string) {
	w.run = func(n int) (Report, error) {
		return Report{Run: string(rune('A' - 1 + n)), Result: result, Sent: true, Confirmed: Confirmed{Pending: 1},
			Endings: map[string]int{ResultRejected: map[string]int{ResultRejected: 2}[result]}}, nil
	}
}

// TestConfirmed: the sink is asked with pauses that grow until it has processed everything. The result
// is then that of the run.
func TestConfirmed(t *testing.T) {
	for _, result := range []string{ResultDone, ResultRejected, ResultUnconfirmed} {
		w := newWorld(t)
		w.request(Request{ID: "1", How: BySchedule})
		w.pending(result)
		w.confirm = func(poll int) (Confirmed, error) {
			if poll == 2 {
				return Confirmed{}, errors.New("the sink does not answer")
			}
			return Confirmed{Pending: max(0, 10-poll)}, nil
		}
		start := w.Now()
		r, err := w.pipeline()
		want := map[string]string{ResultUnconfirmed: ResultDone}[result]
		if want == "" {
			want = result
		}
		if err != nil || r.Result != want || r.Pending != 0 || len(w.runs) != 1 {
			t.Errorf("%s: %+v, %v", result, r, err)
		}
		last := start
		for i, at := range w.polledAt {
			if d := at.Sub(last); d > pollMost+time.Minute || i > 4 && d < 4*time.Minute {
				t.Errorf("%s: asked %d times, the last pause was %v", result, i+1, d)
			}
			last = at
		}
	}
}

// TestNeverConfirmed: after Limits.Confirm the result is unconfirmed, and the sink was asked a few
// dozen times at most.
func TestNeverConfirmed(t *testing.T) {
	for name, found := range map[string]Confirmed{"pending": {Pending: 1}, "paused": {Paused: 1}} {
		w := newWorld(t)
		w.request(Request{ID: "1", How: BySchedule})
		w.pending(ResultDone)
		w.confirm = func(int) (Confirmed, error) { return found, nil }
		start := w.Now()
		r, err := w.pipeline()
		if err != nil || r.Result != ResultUnconfirmed || r.Pending != found.Pending || r.Paused != found.Paused {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if d := w.Now().Sub(start); d < testJob.Limits.Confirm || d > testJob.Limits.Confirm+time.Hour {
			t.Errorf("%s: ended after %v", name, d)
		}
		if n := len(w.polledAt); n < 24 || n > 40 || r.Polls != n {
			t.Errorf("%s: asked %d times, reported %d", name, n, r.Polls)
		}
	}
}

// TestLost: an upload that the sink lost is sent again at once, once.
func TestLost(t *testing.T) {
	w := newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.pending(ResultDone)
	w.confirm = func(poll int) (Confirmed, error) {
		if poll == 1 {
			return Confirmed{Lost: 1}, nil
		}
		return Confirmed{}, nil
	}
	r, err := w.pipeline()
	if err != nil || r.Result != ResultDone || r.Run != "B" || len(w.runs) != 2 {
		t.Fatalf("%+v, %v, %d runs", r, err, len(w.runs))
	}
	if again := w.runs[1].Request; !again.Full || again.How != ByLoss {
		t.Errorf("sent again with %+v", again)
	}

	w = newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.pending(ResultDone)
	w.confirm = func(int) (Confirmed, error) { return Confirmed{Lost: 1}, nil }
	if r, err := w.pipeline(); err != nil || r.Result != ResultUnconfirmed || r.Lost != 1 || len(w.runs) != 2 {
		t.Errorf("lost twice: %+v, %v, %d runs", r, err, len(w.runs))
	}
}

// TestConfirmHint: a hint makes the workflow ask the sink at once.
func TestConfirmHint(t *testing.T) {
	w := newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.pending(ResultDone)
	w.confirm = func(int) (Confirmed, error) { return Confirmed{}, nil }
	w.after(20*time.Second, SignalRequest, Request{ID: "2", How: ByApproval})
	start := w.Now()
	r, err := w.pipeline()
	if err != nil || r.Result != ResultDone || len(w.polledAt) != 1 || w.polledAt[0].Sub(start) != 20*time.Second {
		t.Errorf("%+v, %v, asked at %v", r, err, w.polledAt)
	}
}

// TestConfirmSuperseded: a request ends the questions, and the next run of the workflow answers it.
func TestConfirmSuperseded(t *testing.T) {
	w := newWorld(t)
	w.request(Request{ID: "1", How: BySchedule})
	w.pending(ResultDone)
	w.confirm = func(int) (Confirmed, error) { return Confirmed{Pending: 1}, nil }
	w.after(6*time.Hour, SignalRequest, Request{ID: "2", How: BySchedule})
	start := w.Now()
	_, err := w.pipeline()
	in, again := w.next(err)
	if !again || len(in.Requests) != 1 || in.Requests[0].ID != "2" || in.Last.Result != ResultUnconfirmed {
		t.Fatalf("left %+v, %v", in, err)
	}
	if d := w.Now().Sub(start); d != 6*time.Hour {
		t.Errorf("ended after %v", d)
	}
	// A request that is sent again is dropped in the next run, too.
	w = newWorld(t)
	w.request(Request{ID: "2", How: BySchedule, Full: true})
	w.ExecuteWorkflow(TypePipeline, in)
	if err := w.GetWorkflowError(); err != nil || len(w.runs) != 1 || w.runs[0].Request.Full {
		t.Errorf("the next run: %v, %+v", err, w.runs)
	}
}
