package serve_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// TestRestartKeepsQueue: what waits when the server ends runs after the next start, under the ID that
// its asker was given.
func TestRestartKeepsQueue(t *testing.T) {
	w := newWorld(t, nightly)
	p := w.Start()
	w.Settle()
	w.Server.Occupy()
	first, err := p.Trigger(serve.Request{By: "bot", How: serve.ByAPI, Only: []string{"documents"}})
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Trigger(serve.Request{By: "ann", Person: true, How: serve.ByPage, Full: true, Changed: true})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := p.Run(t.Context(), second.Run); err != nil || r.Verdict != history.VerdictWaiting || !r.Started.IsZero() {
		t.Errorf("while it waits: %v, %+v", err, r)
	}
	if runs := w.Runs(); len(runs) != 0 {
		t.Errorf("%d runs have begun", len(runs))
	}
	w.End()
	w.Start()
	w.Settle()
	for _, ticket := range []serve.Ticket{first, second} {
		r, err := w.Server.History.Run(t.Context(), ticket.Run)
		if err != nil || r.Class != int(job.Done) {
			t.Errorf("after the start: %v, %+v", err, r)
		}
	}
	last := w.Runs()[0]
	if last.ID != second.Run || last.Mode != "full" || !last.Asked[len(last.Asked)-1].Person {
		t.Errorf("the last run: %+v", last)
	}
}

// TestRestartKeepsDue: a time of the schedule is dealt with when its run is in the history, not
// earlier, also when the run waits for another pipeline.
func TestRestartKeepsDue(t *testing.T) {
	w := newWorld(t, nightly)
	p := w.Start()
	w.Settle()
	release := w.Server.Occupy()
	w.Clock.Advance(30*time.Minute + time.Second)
	for waits, limit := false, time.Now().Add(time.Minute); !waits; {
		if time.Now().After(limit) {
			t.Fatalf("the due run does not show after a minute: %+v", p.Status())
		}
		queued, err := w.Server.History.Queued(t.Context(), w.Name)
		if err != nil {
			t.Fatal(err)
		}
		s := p.Status() // which shows it a moment after the history
		waits = len(queued) == 1 && (s.Queued != "" || s.Running != "")
	}
	w.End()
	release()
	w.Clock.Advance(10 * time.Minute)
	w.Start()
	w.Pass(20 * time.Hour)
	if runs := w.Runs(); len(runs) != 1 || runs[0].Class != int(job.Done) || runs[0].Asked[0].How != serve.BySchedule {
		t.Errorf("%d runs: %+v", len(runs), runs)
	}
}

// TestRestartAfterStop: a run that the server stops while it reads runs again after the start, with
// the mode and the streams that it had, and those who asked for it are named.
func TestRestartAfterStop(t *testing.T) {
	w := newWorld(t, "")
	g := atGate(w)
	p := w.Start()
	ticket, err := p.Trigger(serve.Request{By: "ann", Person: true, How: serve.ByPage, Full: true,
		Only: []string{"documents"}})
	if err != nil {
		t.Fatal(err)
	}
	g.wait(t)
	w.End()
	w.Start()
	stopped, err := w.Server.History.Run(t.Context(), ticket.Run)
	if err != nil || stopped.Verdict != history.VerdictStopped || stopped.Class != int(job.Failed) {
		t.Errorf("the run that was stopped: %v, %+v", err, stopped)
	}
	g.wait(t)
	g.on <- struct{}{}
	again := w.Ended(2)[0]
	if again.ID == ticket.Run || again.Class != int(job.Done) || again.Mode != "full" ||
		!slices.Equal(again.Only, []string{"documents"}) {
		t.Errorf("the run after the start: %+v", again)
	}
	if len(again.Asked) != 2 || again.Asked[0].By != "ann" || again.Asked[1].How != serve.ByMissed {
		t.Errorf("those who asked: %+v", again.Asked)
	}
	w.Settle()
	w.End()
	w.Start()
	w.Settle()
	if n := len(w.Runs()); n != 2 {
		t.Errorf("a third start makes %d runs", n)
	}
}

// TestRestartAfterKill: a run of a server that was killed runs again, unless the one before it was
// killed, too.
func TestRestartAfterKill(t *testing.T) {
	w := newWorld(t, "")
	p := w.Start()
	w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	begin := func(id string) {
		t.Helper()
		r := &history.Run{ID: id, Pipeline: w.Name, Mode: "full", Started: w.Clock.Now(),
			Asked: []history.Asked{{By: "ann", Person: true, How: "page"}}}
		if err := w.Server.History.Begin(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	begin("killed-1")
	w.End()
	w.Start()
	again := w.Ended(3)[0]
	if again.Class != int(job.Done) || again.Mode != "full" || again.Asked[0].By != "ann" {
		t.Errorf("after the start: %+v", again)
	}
	w.Settle()
	begin("killed-2")
	begin("killed-3")
	w.End()
	w.Start()
	w.Settle()
	runs := w.Runs()
	if len(runs) != 5 || runs[0].ID != "killed-3" || runs[0].Verdict != history.VerdictInterrupted ||
		runs[1].Verdict != history.VerdictInterrupted {
		t.Errorf("after two runs that were killed: %d runs, %+v, %+v", len(runs), runs[0], runs[1])
	}
}
