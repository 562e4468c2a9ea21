package serve_test

import (
	"testing"
	"time"
)

// TestClockWrongOnce: a clock that was far ahead once does not stop the schedule, and the run of then
// is not the last one for ever.
func TestClockWrongOnce(t *testing.T) {
	w := newWorld(t, nightly)
	w.Start()
	w.Settle()
	w.Clock.Advance(365 * 24 * time.Hour)
	w.Ended(1)
	w.Settle()
	w.End()
	w.Clock.Advance(-365 * 24 * time.Hour)
	lines := logLines(w)
	p := w.Start()
	w.Settle()
	awaitLine(t, lines, "the clock was ahead")
	if next := p.Status().Next; next.Format(time.DateTime) != "2026-11-30 12:30:00" {
		t.Errorf("the next run is at %v", next)
	}
	w.Pass(31 * time.Minute)
	runs := w.Ended(2)
	if len(runs) != 2 || runs[0].Started.Year() != 2026 || runs[1].Started.Year() != 2027 {
		t.Fatalf("%d runs: %+v", len(runs), runs)
	}
	if last, err := w.Server.History.Reviewed(t.Context(), w.Name); err != nil || last.ID != runs[0].ID {
		t.Errorf("the last run that was reviewed: %v, %+v", err, last)
	}
	if last, err := w.Server.History.Measured(t.Context(), w.Name); err != nil || last.ID != runs[0].ID {
		t.Errorf("the last run with figures: %v, %+v", err, last)
	}
}

// TestNextIsWhenItRuns: the time that the server shows is the one at which it begins a run, with a
// long delay of one line and none of another.
func TestNextIsWhenItRuns(t *testing.T) {
	w := newWorld(t, "schedule:\n  - cron: \"0 * * * *\"\n  - cron: \"30 12 * * *\"\n    full: true\n    jitter: 6h\n")
	p := w.Start()
	w.Settle()
	for i := range 3 {
		next := p.Status().Next
		if !next.After(w.Clock.Now()) || next.After(w.Clock.Now().Add(time.Hour)) {
			t.Fatalf("at %v the next run is at %v", w.Clock.Now(), next)
		}
		w.Pass(next.Sub(w.Clock.Now()))
		if runs := w.Ended(i + 1); len(runs) != i+1 || runs[0].Started.Before(next) {
			t.Fatalf("%d runs, the last one %+v; it was expected at %v", len(runs), runs[0], next)
		}
	}
}

// TestNextWithinJitter: after the time of a line the next run is the one that waits for its delay, and
// not that of the next day.
func TestNextWithinJitter(t *testing.T) {
	w := newWorld(t, "schedule:\n  - cron: \"30 12 * * *\"\n    jitter: 6h\n")
	p := w.Start()
	w.Settle()
	next := p.Status().Next
	w.Pass(31 * time.Minute)
	if !next.After(w.Clock.Now()) {
		t.Fatalf("the test needs a longer delay than until %v", next)
	}
	if now := p.Status().Next; !now.Equal(next) {
		t.Errorf("within the delay the next run is at %v, before it was at %v", now, next)
	}
}
