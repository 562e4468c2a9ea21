package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
)

// stage reads the source into the stage, checks that every record ended, and makes the plan.
func (r *run) stage(ctx context.Context, session component.Session) error {
	if err := r.timed("read", &r.report.Seconds.Read, func() error { return r.read(ctx, session) }); err != nil {
		return err
	}
	if err := r.ledger.Settle(); err != nil {
		return err
	}
	r.makePlan()
	return nil
}

func (r *run) read(ctx context.Context, session component.Session) error {
	if r.o.Earlier != nil {
		return r.restore(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-r.o.Stop:
			cancel(fault.ErrStopped)
		case <-done:
		}
	}()
	if err := r.startTransforms(ctx); err != nil {
		return fault.Cause(ctx, err)
	}
	if err := r.attach(ctx, session); err != nil {
		return fault.Cause(ctx, err)
	}
	var sent *baseline.Journal
	if len(r.follow) > 0 && r.store != nil {
		var err error
		if sent, err = r.store.Journal(nil); err != nil {
			return baseline.Unusable(err)
		}
	}
	err := read.Run(ctx, read.Options{
		Pipeline: r.p, Session: session, Stage: r.staged, Ledger: r.ledger, Last: r.last, Hidden: r.hidden,
		Attachments: r.attachments, Follow: r.follow, Journal: sent,
		Fetch: r.fetch, Note: r.note, Tick: r.o.Progress.Read, Observer: r.o.Observer,
	})
	if err != nil {
		return fault.Cause(ctx, err)
	}
	for _, t := range r.p.Transforms {
		if n, ok := component.Capability[component.Noter](t); ok {
			r.notesOf(n)
		}
	}
	r.notesOf(r.p.Source)
	r.notesOf(session)
	return r.staged.Flush()
}

// attach prepares the reading of attached records, if the model knows any. What the last run sent
// may be attached although no phase is.
func (r *run) attach(ctx context.Context, session component.Session) error {
	attached := func(ph component.Phase) bool { return ph.Attached }
	if !slices.ContainsFunc(r.p.Model.Phases(), attached) {
		if _, may := r.p.Model.(component.Hoster); may {
			r.attachments = read.NewAttachments(nil, false)
		}
		return nil
	}
	var marks map[string]baseline.Mark
	if r.last != nil {
		var err error
		if marks, err = r.last.Marks(); err != nil {
			return baseline.Unreadable(err)
		}
	}
	r.attachments = read.NewAttachments(marks, r.mayKeep(ctx, session))
	return nil
}

func (r *run) startTransforms(ctx context.Context) error {
	for _, t := range r.p.Transforms {
		if s, ok := component.Capability[component.Starter](t); ok {
			if err := s.Start(ctx); err != nil {
				return fmt.Errorf("transform %q: %w", t.Name(), err)
			}
		}
	}
	return nil
}
