package serve

import (
	"context"
	"sync"
	"time"
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

func (p *Pipeline) loop(ctx context.Context, stop <-chan struct{}) {
	background, cancel := context.WithCancel(ctx)
	p.beginSearch(background)
	defer func() {
		p.queue.end()
		cancel()
		p.endSearch()
	}()
	for {
		p.reload(ctx, false)
		p.expireRecords(ctx)
		wait := p.due(ctx)
		if w := p.queue.take(); w != nil {
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
		case <-p.queue.wake:
			release()
		case <-timer:
		}
	}
}
