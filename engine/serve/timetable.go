package serve

import (
	"context"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/schedule"
)

// late is how long after its time a run of the schedule counts as missed.
const late = 2 * reloadEvery

// clockSlack is how far the last time that was dealt with may be ahead of the clock. Beyond it the
// clock was wrong then, and the schedule begins anew.
const clockSlack = time.Hour

// timetable says when the schedule begins the next run of a pipeline.
type timetable struct {
	server   *Server
	pipeline string

	mu   sync.Mutex
	last time.Time // the last time of the schedule that was dealt with; zero before it is known
}

// next returns when the next run begins by a schedule; zero when never. It is not after now when a
// run is due.
func (t *timetable) next(lines schedule.Schedule, now time.Time) time.Time {
	t.mu.Lock()
	last := t.last
	t.mu.Unlock()
	if last.IsZero() || last.After(now.Add(clockSlack)) {
		last = now
	}
	start, _ := lines.Next(t.pipeline, last)
	return start
}

// dealtWith returns the last time of the schedule that was dealt with. At the first start of a
// pipeline this is now: nothing was missed. One goroutine at a time calls it.
func (t *timetable) dealtWith(ctx context.Context, now time.Time) (time.Time, error) {
	t.mu.Lock()
	last := t.last
	t.mu.Unlock()
	if last.IsZero() {
		var err error
		if last, err = t.server.History.LastDue(ctx, t.pipeline); err != nil {
			return time.Time{}, err
		}
	}
	wrong := last.After(now.Add(clockSlack))
	if wrong {
		t.server.o.Log.Warn("the clock was ahead at the last scheduled run; the schedule begins anew",
			"pipeline", t.pipeline, "run_at", last)
	}
	if wrong || last.IsZero() {
		if err := t.server.History.SetLastDue(ctx, t.pipeline, now); err != nil {
			return time.Time{}, err
		}
		last = now
	}
	t.dealt(last)
	return last, nil
}

// dealt notes that a time of the schedule is dealt with; the history has it.
func (t *timetable) dealt(due time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = due
}

// due asks for a run when the schedule says so, and returns how long to wait until it may again.
func (p *Pipeline) due(ctx context.Context) time.Duration {
	lines := p.file.inUse().schedule
	if len(lines) == 0 {
		return reloadEvery
	}
	now := p.server.o.Clock.Now()
	last, err := p.timetable.dealtWith(ctx, now)
	if err != nil {
		p.server.o.Log.Error("the schedule waits, since the history cannot be used", "pipeline", p.Name, "error", err)
		return reloadEvery
	}
	start, ok := lines.Next(p.Name, last)
	if !ok {
		return reloadEvery
	}
	if start.After(now) {
		return min(reloadEvery, start.Sub(now))
	}
	due, _ := lines.Missed(last, now)
	how := BySchedule
	if now.Sub(start) > late {
		how = ByMissed
	}
	if _, err := p.queue.add(Request{By: BySchedule, How: how, Full: due.Full}, due.At); err != nil {
		p.server.o.Log.Error("the schedule waits, since the history cannot be used", "pipeline", p.Name, "error", err)
		return reloadEvery
	}
	p.timetable.dealt(due.At)
	return 0
}
