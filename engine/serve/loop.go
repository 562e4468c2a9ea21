package serve

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// reloadEvery is how often a pipeline file is looked at while no run begins: a change of its
// schedule then takes effect.
const reloadEvery = 30 * time.Second

// Run runs the pipelines until stop is closed, and returns when the last run has ended: a read
// that goes on is stopped, and an upload that has begun is completed. Canceling the context ends
// everything at once. It is called once.
func (s *Server) Run(ctx context.Context, stop <-chan struct{}) error {
	now := s.o.Clock.Now()
	if err := s.recover(ctx, now); err != nil {
		return err
	}
	if err := s.History.Prune(ctx, now); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, p := range s.pipelines {
		wg.Go(func() { p.loop(ctx, stop) })
	}
	wg.Wait()
	return nil
}

// recover ends the runs in the history that an earlier server could not end, and asks for them
// again, unless the last two of a pipeline ended so: then something in the run ends the server.
// It also asks for a run where records were pushed after the last one began, and where people
// allowed a run that did not follow.
func (s *Server) recover(ctx context.Context, now time.Time) error {
	again := map[*Pipeline]bool{}
	for _, p := range s.pipelines {
		runs, err := s.History.Runs(ctx, p.Name, "", 2)
		if err != nil {
			return err
		}
		pushed, err := p.pushedSince(ctx, lastBegin(runs))
		if err != nil {
			return err
		}
		allowed, err := p.allowed(ctx)
		if err != nil {
			return err
		}
		if len(pushed) > 0 || allowed { // and the server ended before the run that follows
			again[p] = true
		}
		if len(runs) == 0 || !runs[0].Ended.IsZero() || runs[0].Dry {
			continue
		}
		if len(runs) == 2 && runs[1].Verdict == history.VerdictInterrupted {
			s.o.Log.Error("the server ended during the last two runs; the next one is that of the schedule",
				"pipeline", p.Name, "run", runs[0].ID)
			continue
		}
		again[p] = true
	}
	if err := s.History.Interrupt(ctx, now); err != nil {
		return err
	}
	for p := range again {
		p.enqueue(Request{By: "start", How: ByMissed})
	}
	return nil
}

// lastBegin returns when the last run that sent something began; zero when there is none.
func lastBegin(runs []*history.Run) time.Time {
	for _, r := range runs {
		if !r.Dry {
			return r.Started
		}
	}
	return time.Time{}
}

func (p *Pipeline) loop(ctx context.Context, stop <-chan struct{}) {
	background, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	p.ctx = background
	p.mu.Unlock()
	defer func() {
		p.end()
		cancel()
		p.endSearch()
	}()
	for {
		p.reload(ctx)
		p.expireRecords(ctx)
		wait := p.due(ctx)
		if w := p.take(); w != nil {
			if !p.perform(ctx, w, stop) {
				return
			}
			continue
		}
		timer, release := p.server.o.Clock.After(wait)
		select {
		case <-ctx.Done():
			release()
			return
		case <-stop:
			release()
			return
		case <-p.wake:
			release()
		case <-timer:
		}
	}
}

// due asks for a run when the schedule says so, and returns how long to wait until it may again.
func (p *Pipeline) due(ctx context.Context) time.Duration {
	now := p.server.o.Clock.Now()
	p.mu.Lock()
	times := p.schedule
	p.mu.Unlock()
	if len(times) == 0 {
		return reloadEvery
	}
	last, err := p.server.History.LastDue(ctx, p.Name)
	if err == nil && last.IsZero() { // the first start: nothing was missed
		last = now
		err = p.server.History.SetLastDue(ctx, p.Name, now)
	}
	if err != nil {
		p.server.o.Log.Error("the schedule waits, since the history cannot be used", "pipeline", p.Name, "error", err)
		return reloadEvery
	}
	start, ok := times.Next(p.Name, last)
	if !ok {
		return reloadEvery
	}
	if start.After(now) {
		return min(reloadEvery, start.Sub(now))
	}
	due, _ := times.Missed(last, now)
	if err := p.server.History.SetLastDue(ctx, p.Name, due.At); err != nil {
		p.server.o.Log.Error("the schedule waits, since the history cannot be used", "pipeline", p.Name, "error", err)
		return reloadEvery
	}
	how := BySchedule
	if now.Sub(start) > late {
		how = ByMissed
	}
	p.enqueue(Request{By: BySchedule, How: how, Full: due.Full})
	return 0
}

// late is how long after its time a run of the schedule counts as missed.
const late = 2 * reloadEvery

// Ticket is the answer to a request.
type Ticket struct {
	Run string `json:"run"` // its ID
	// Joined reports whether the run was asked for before.
	Joined bool `json:"joined"`

	ended <-chan struct{}
}

// Ended returns a channel that is closed when the run has ended.
func (t Ticket) Ended() <-chan struct{} { return t.ended }

// Trigger asks for a run and returns at once. It returns a *fault.Invalid when the request cannot
// be met, and fault.ErrStopped when the server is about to end.
func (p *Pipeline) Trigger(q Request) (Ticket, error) {
	p.mu.Lock()
	streams := p.streams
	p.mu.Unlock()
	for _, s := range q.Only {
		if !slices.Contains(streams, s) {
			return Ticket{}, &fault.Invalid{Reason: fmt.Sprintf("the sink has no stream %q", s),
				Remedy: "its streams are " + strings.Join(streams, ", ")}
		}
	}
	return p.enqueue(q)
}

func (p *Pipeline) enqueue(q Request) (Ticket, error) {
	now := p.server.o.Clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stopped:
		return Ticket{}, fault.ErrStopped
	case p.now != nil && p.now.answers(q):
		p.now.ask(q, now)
		return Ticket{p.now.id, true, p.now.ended}, nil
	case p.next != nil:
		p.next.add(q, now)
		return Ticket{p.next.id, true, p.next.ended}, nil
	}
	p.next = newQueued(q, now)
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return Ticket{p.next.id, false, p.next.ended}, nil
}

// take makes the next run the current one; nil when there is none.
func (p *Pipeline) take() *queued {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.next = p.next, nil
	p.tracker.reset()
	return p.now
}

// done ends the current run.
func (p *Pipeline) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.now.ended)
	p.now = nil
}

// end refuses further requests, and gives up the one that waits.
func (p *Pipeline) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.next != nil {
		close(p.next.ended)
		p.next = nil
	}
}
