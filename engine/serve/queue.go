package serve

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// queue has the runs of a pipeline that wait to begin, and the one that runs. Each run is in the
// history from the moment it was asked for, so no request is lost when the server ends.
type queue struct {
	server   *Server
	pipeline string
	wake     chan struct{} // receives when a run waits

	// changing is held while a request is stored and while a run is taken. It is taken before mu,
	// which is never held during a write.
	changing sync.Mutex

	mu      sync.Mutex
	waiting []*queued // in the order in which they begin
	now     *queued   // the run that goes on; nil when none does
	settled bool      // that run answers no further request
	stopped bool
}

func newQueue(s *Server, pipeline string) *queue {
	return &queue{server: s, pipeline: pipeline, wake: make(chan struct{}, 1)}
}

// add stores a request and returns its run: one that goes on or waits, when that answers it, and
// otherwise a new one. due, unless it is zero, is the time of the schedule that the request deals
// with.
func (q *queue) add(r Request, due time.Time) (Ticket, error) {
	q.changing.Lock()
	defer q.changing.Unlock()
	w, waits, stopped := q.answering(r)
	if stopped {
		return Ticket{}, fault.ErrStopped
	}
	now := q.server.o.Clock.Now()
	joined := w != nil
	var changed queued
	switch {
	case !joined:
		w = newQueued(r, now)
		changed = *w
	case waits:
		changed = *w
		changed.add(r, now)
	default:
		changed = *w
		changed.ask(r, now)
	}
	if !joined || !due.IsZero() || !changed.same(w) {
		// The caller may be gone before the answer; the run is then asked for all the same.
		if err := q.server.History.Queue(context.Background(), changed.entry(q.pipeline), due); err != nil {
			return Ticket{}, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !joined:
		q.waiting = append(q.waiting, w)
	case waits:
		*w = changed
	default:
		w.asked = changed.asked
	}
	q.signal()
	return Ticket{w.id, joined, w.ended}, nil
}

// answering returns the run that answers a request, and whether it waits to begin; nil when none
// does.
func (q *queue) answering(r Request) (w *queued, waits, stopped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.stopped:
		return nil, false, true
	case q.now != nil && !q.settled && q.now.answers(r):
		return q.now, false, false
	case len(q.waiting) > 0:
		return q.waiting[0], true, false
	}
	return nil, false, false
}

// restore adds the runs that wait in the history since before the start of the server.
func (q *queue) restore(ctx context.Context) error {
	q.changing.Lock()
	defer q.changing.Unlock()
	runs, err := q.server.History.Queued(ctx, q.pipeline)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	var before []*queued
	for _, r := range runs {
		if !slices.ContainsFunc(q.waiting, func(w *queued) bool { return w.id == r.ID }) {
			before = append(before, restored(r))
		}
	}
	q.waiting = append(before, q.waiting...)
	q.signal()
	return nil
}

// signal wakes the pipeline when a run waits. The caller holds mu.
func (q *queue) signal() {
	if len(q.waiting) == 0 {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take makes the first run that waits the current one; nil when none waits.
func (q *queue) take() *queued {
	q.changing.Lock()
	defer q.changing.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.now, q.settled = nil, false
	if len(q.waiting) > 0 {
		q.now, q.waiting = q.waiting[0], q.waiting[1:]
	}
	return q.now
}

// entry returns the history's entry of a run, with those who have asked for it by now.
func (q *queue) entry(w *queued) *history.Run {
	q.mu.Lock()
	defer q.mu.Unlock()
	return w.entry(q.pipeline)
}

// settle makes requests that follow another run, and returns who asked for the current one.
func (q *queue) settle() []history.Asked {
	q.changing.Lock()
	defer q.changing.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settled = true
	return q.now.asked
}

// done ends the current run.
func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.now.ended)
	q.now = nil
}

// end refuses further requests. The runs that wait stay in the history for the next server.
func (q *queue) end() {
	q.changing.Lock()
	defer q.changing.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	for _, w := range q.waiting {
		close(w.ended)
	}
	q.waiting = nil
}

// status fills in what runs and what waits.
func (q *queue) status(s *Status) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.now != nil {
		s.Running, s.Progress = q.now.id, q.now.tracker.progress()
	}
	if len(q.waiting) > 0 {
		s.Queued = q.waiting[0].id
	}
}

// queued is a run that has not begun, or that runs.
type queued struct {
	id      string
	dry     bool
	full    bool
	only    []string // nil means all streams
	asked   []history.Asked
	tracker *tracker
	ended   chan struct{} // closed when the run has ended, or is left to the next server
}

func newQueued(q Request, now time.Time) *queued {
	w := &queued{id: run.NewRunID(), dry: q.Dry, full: q.Full, only: slices.Clone(q.Only), tracker: &tracker{},
		ended: make(chan struct{})}
	w.ask(q, now)
	return w
}

// restored returns a run that waits in the history.
func restored(r *history.Run) *queued {
	return &queued{id: r.ID, dry: r.Dry, full: r.Mode == string(component.PublishFull), only: r.Only, asked: r.Asked,
		tracker: &tracker{}, ended: make(chan struct{})}
}

// entry returns the history's entry of the run.
func (w *queued) entry(pipeline string) *history.Run {
	return &history.Run{ID: w.id, Pipeline: pipeline, Asked: w.asked, Mode: string(w.mode()), Dry: w.dry, Only: w.only,
		Class: -1, Causes: []string{}}
}

// ask adds who asks for the run. Each asker is named once, however often they ask, and none is
// left out: they must not approve what follows.
func (w *queued) ask(q Request, now time.Time) {
	own := history.Asked{By: q.By, Person: q.Person, Identity: q.Identity, At: now, How: q.How}
	for _, one := range append(slices.Clone(q.repeats), own) {
		if !slices.ContainsFunc(w.asked, func(a history.Asked) bool {
			return a.By == one.By && a.How == one.How && a.Identity == one.Identity
		}) {
			w.asked = append(slices.Clone(w.asked), one)
		}
	}
}

// add makes a run that has not begun answer a further request: it sends something when one of
// them does, everything when one asks for that, and all streams that any of them names.
func (w *queued) add(q Request, now time.Time) {
	w.dry = w.dry && q.Dry
	w.full = w.full || q.Full
	if len(w.only) == 0 || len(q.Only) == 0 {
		w.only = nil
	} else {
		for _, s := range q.Only {
			if !slices.Contains(w.only, s) {
				w.only = append(slices.Clone(w.only), s)
			}
		}
	}
	w.ask(q, now)
}

// same reports whether two states of a run are one in the history.
func (w *queued) same(as *queued) bool {
	return w.dry == as.dry && w.full == as.full && len(w.asked) == len(as.asked) && slices.Equal(w.only, as.only)
}

// answers reports whether a run that has begun does what a request asks for.
func (w *queued) answers(q Request) bool {
	if q.Changed || w.dry != q.Dry || q.Full && !w.full {
		return false
	}
	if len(w.only) == 0 {
		return true
	}
	return len(q.Only) > 0 && !slices.ContainsFunc(q.Only, func(s string) bool { return !slices.Contains(w.only, s) })
}

func (w *queued) mode() component.PublishMode {
	if w.full {
		return component.PublishFull
	}
	return ""
}
