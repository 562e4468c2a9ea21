package serve

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// recover makes the queues what they were when the server before this one ended, and asks for what
// that one could not complete. It is the one place that decides what a start runs:
//
//   - the runs that waited to begin, as they were asked for
//   - a run that was stopped or killed with the server, again
//   - a run where records were pushed after the last one began, and where people allowed a run that
//     did not follow
//
// It may be repeated: a server that ends in between loses nothing.
func (s *Server) recover(ctx context.Context, now time.Time) error {
	for _, p := range s.pipelines {
		if err := p.recover(ctx); err != nil {
			return err
		}
	}
	return s.History.Interrupt(ctx, now)
}

func (p *Pipeline) recover(ctx context.Context) error {
	if err := p.queue.restore(ctx); err != nil {
		return err
	}
	last, err := p.server.History.Sending(ctx, p.Name, 2)
	if err != nil {
		return err
	}
	var requests []Request
	if r := p.unfinished(last); r != nil {
		requests = append(requests, Request{By: "start", How: ByMissed, Full: r.Mode == string(component.PublishFull),
			Only: r.Only, repeats: r.Asked})
	}
	var began int64
	if len(last) > 0 {
		began = last[0].Action
	}
	pushed, err := p.pushedSince(ctx, began)
	if err != nil {
		return err
	}
	allowed, err := p.allowed(ctx)
	if err != nil {
		return err
	}
	if len(pushed) > 0 || allowed {
		requests = append(requests, Request{By: "start", How: ByMissed})
	}
	for _, q := range requests {
		if _, err := p.queue.add(q, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// unfinished returns the run to repeat: the last one that sends something, when it ended with its
// server. It returns nil when the last two ended with servers that were killed: then something in
// the run ends the server.
func (p *Pipeline) unfinished(last []*history.Run) *history.Run {
	switch {
	case len(last) == 0:
		return nil
	case last[0].Verdict == history.VerdictStopped:
		return last[0]
	case !killed(last[0]):
		return nil
	case len(last) == 2 && killed(last[1]):
		p.server.o.Log.Error("the server ended during the last two runs; the next one is that of the schedule",
			"pipeline", p.Name, "run", last[0].ID)
		return nil
	}
	return last[0]
}

// killed reports whether a run of an earlier server has no end, or was found so at a start.
func killed(r *history.Run) bool { return r.Ended.IsZero() || r.Verdict == history.VerdictInterrupted }
