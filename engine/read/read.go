package read

import (
	"context"
	"errors"
	"sync"

	"github.com/sourcegraph/conc/stream"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Options are what the act works with.
type Options struct {
	Pipeline *component.Pipeline
	Session  component.Session
	Stage    *stage.Stage
	Ledger   *Ledger
	Last     *baseline.Snapshot // of the last good run; nil when none is remembered
	Hidden   baseline.Hiding
	// Fetch finds what is looked up and was not read; nil when everything is.
	Fetch    func(ref string) (component.Entry, bool)
	Note     func(format string, args ...any)
	Tick     func(records int)  // how many records have been read
	Observer component.Observer // nil in ordinary runs
}

// Run is the first act: the source is read phase by phase, and everything it
// holds ends up staged or in the ledger. Nothing is sent (invariant 1).
func Run(ctx context.Context, o Options) error {
	a := &reading{
		p: o.Pipeline, ledger: o.Ledger, index: newIndex(o.Pipeline.Model), shelf: o.Stage, last: o.Last, note: o.Note, tick: o.Tick, watch: o.Observer,
		chain:   &chain{p: o.Pipeline, session: o.Session, hidden: o.Hidden, off: map[string]bool{}, watch: o.Observer},
		workers: make(chan *component.Worker, o.Pipeline.Limits.Workers), cuts: cuts{},
	}
	a.index.fetch = o.Fetch
	for _, ph := range o.Pipeline.Model.Phases() {
		for _, k := range ph.Kinds {
			a.chain.off[k.Name] = k.Off
		}
	}
	for range o.Pipeline.Limits.Workers {
		a.workers <- component.NewWorker(o.Pipeline.Language, a.index.find)
	}
	if err := a.run(ctx); err != nil {
		return err
	}
	if note := a.cuts.note(); note != "" {
		a.note("%s", note)
	}
	return nil
}

// reading is one readAll.
type reading struct {
	p       *component.Pipeline
	chain   *chain
	ledger  *Ledger
	index   *index
	shelf   *stage.Stage
	last    *baseline.Snapshot
	note    func(format string, args ...any)
	workers chan *component.Worker
	tick    func(records int)
	watch   component.Observer
	sealed  bool
	cuts    cuts
}

func (a *reading) run(ctx context.Context) error {
	phases := a.p.Model.Phases()
	for i, ph := range phases {
		if !ph.Identities {
			if err := a.seal(ctx); err != nil {
				return err
			}
			if a.p.OnlyIdentities() {
				break
			}
		}
		if err := a.phase(ctx, ph, i == len(phases)-1); err != nil {
			return err
		}
	}
	return a.seal(ctx)
}

// phase reads one phase. It is held until it is complete, so that its mapping
// sees all of it; the last one is worked on while it is read as soon as it
// proves too large for that.
func (a *reading) phase(ctx context.Context, ph component.Phase, last bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	held := stage.NewSpillBuffer(a.p.Limits.HoldBytes)
	defer held.Close()
	var line *line
	var mu sync.Mutex
	emit := func(emitCtx context.Context, records []*component.Record) error {
		mu.Lock()
		defer mu.Unlock()
		if emitCtx.Err() != nil {
			return context.Cause(emitCtx)
		}
		for _, r := range records {
			if !a.ledger.Enter(r.Ref, r.Kind) {
				continue
			}
			if line != nil {
				if err := line.add(r); err != nil {
					return err
				}
				continue
			}
			a.index.add(r.Entry)
			if err := held.Add(r); err != nil {
				return err
			}
			if last && held.Spilled() && !ph.Identities {
				a.index.forget(ph)
				line = a.line(ctx, cancel, a.stepOthers(a.chain.others))
				if err := held.Drain(line.add); err != nil {
					return err
				}
			}
		}
		a.tick(a.ledger.Total())
		return nil
	}
	err := a.p.Source.Read(ctx, ph, emit)
	if err == nil {
		err = a.confirm(ctx, ph, emit)
	}
	if line != nil {
		if lineErr := line.end(); lineErr != nil {
			return lineErr
		}
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
			return cause
		}
		return err
	}
	if line != nil {
		return nil
	}
	a.index.seal()
	if !ph.Identities {
		return a.work(ctx, cancel, held, a.stepOthers(a.chain.others))
	}
	later := stage.NewSpillBuffer(a.p.Limits.HoldBytes)
	defer later.Close()
	if err := a.work(ctx, cancel, held, a.stepIdentities(later)); err != nil {
		return err
	}
	if err := a.seal(ctx); err != nil {
		return err
	}
	return a.work(ctx, cancel, later, a.stepOthers(a.chain.again))
}

// seal ends the collection of identities, once.
func (a *reading) seal(ctx context.Context) error {
	if a.sealed {
		return nil
	}
	a.sealed = true
	return a.chain.session.Seal(ctx, outlet{a})
}

// step is what a line does with a batch in a worker, and what it does with the
// result in order.
type step struct {
	work   worked
	commit func(*result) error
}

// worked is what becomes of a batch in a worker.
type worked func(ctx context.Context, w *component.Worker, batch []*component.Record) (*result, error)

func (a *reading) stepIdentities(later *stage.SpillBuffer) step {
	return step{work: a.chain.identities, commit: func(res *result) error {
		for _, r := range res.later {
			if err := later.Add(r); err != nil {
				return err
			}
		}
		return a.commit(res)
	}}
}

func (a *reading) stepOthers(work worked) step { return step{work: work, commit: a.commit} }

func (a *reading) commit(res *result) error {
	for _, e := range res.ends {
		switch {
		case e.err != nil:
			a.ledger.reject(e.stream, e.ref, e.err)
		case e.stream != "":
			a.ledger.endItem(e.stream, e.ref, e.ending, e.reason)
			if e.ending == component.Withheld {
				if err := a.shelf.Withhold(e.stream, e.ref, e.id); err != nil {
					return err
				}
			}
		default:
			a.ledger.end(e.ref, e.ending, e.reason)
		}
	}
	for _, s := range res.staged {
		if err := a.keep(s.stream, s.e); err != nil {
			return err
		}
	}
	return nil
}

// keep stages an item, unless one with its ID is staged already.
func (a *reading) keep(stream string, e component.Encoded) error {
	other, err := a.shelf.Put(stream, e, 1, a.ledger.Knows)
	if err != nil {
		return err
	}
	if other != "" {
		a.ledger.reject(stream, e.Ref, fault.Reject("encode", "id", "the id %q is already that of %s", e.ID, other))
		return nil
	}
	a.staged(stream, e)
	a.cuts.add(stream, &e)
	a.ledger.endItem(stream, e.Ref, component.Delivered, "")
	return nil
}

func (a *reading) staged(stream string, e component.Encoded) {
	if o := component.Watching(a.watch, e.Ref); o != nil {
		o.Staged(stream, e)
	}
}

// outlet is what the session hands its held identities to.
type outlet struct{ a *reading }

func (o outlet) Keep(stream string, e component.Encoded) error {
	e.Content = codec.Hash(e.Body)
	if _, declared := o.a.p.Stream(stream); !declared {
		other, err := o.a.shelf.Put(stream, e, len(e.Principals), func(string) bool { return false })
		if err == nil && other != "" {
			err = fault.Errorf(fault.Permanent, "", "the sink staged %q twice in %s: this is a defect of pipe", e.ID, stream)
		}
		o.a.staged(stream, e)
		return err
	}
	if watch := component.Watching(o.a.watch, e.Ref); watch != nil {
		watch.Named(e.Ref, e.Principal)
	}
	if why := o.a.p.Unwritten(stream); why != "" {
		o.a.ledger.endItem(stream, e.Ref, component.Filtered, why)
		return nil
	}
	return o.a.keep(stream, e)
}

func (o outlet) End(stream, ref string, ending component.Ending, reason string) {
	if why := o.a.p.Unwritten(stream); why != "" {
		ending, reason = component.Filtered, why
	}
	if ending == component.Rejected {
		o.a.ledger.reject(stream, ref, fault.Reject("encode", "", "%s", reason))
		return
	}
	o.a.ledger.endItem(stream, ref, ending, reason)
}

func (o outlet) Note(format string, args ...any) { o.a.note(format, args...) }

// work sends everything that is held through a line.
func (a *reading) work(ctx context.Context, cancel context.CancelCauseFunc, h *stage.SpillBuffer, s step) error {
	l := a.line(ctx, cancel, s)
	err := h.Drain(l.add)
	if lineErr := l.end(); lineErr != nil {
		return lineErr
	}
	return err
}

// line works on batches in parallel and commits their results in order. add
// blocks while all workers are busy: that is the back-pressure to the source.
// Its first error cancels the phase.
type line struct {
	a      *reading
	ctx    context.Context
	cancel context.CancelCauseFunc
	step   step
	stream *stream.Stream
	batch  []*component.Record
	bytes  int
	mu     sync.Mutex
	err    error
}

func (a *reading) line(ctx context.Context, cancel context.CancelCauseFunc, s step) *line {
	return &line{a: a, ctx: ctx, cancel: cancel, step: s, stream: stream.New().WithMaxGoroutines(a.p.Limits.Workers)}
}

func (l *line) add(r *component.Record) error {
	lim := l.a.p.Limits
	if len(l.batch) > 0 && (len(l.batch) >= lim.BatchCount || l.bytes+len(r.Raw) > lim.BatchBytes) {
		if err := l.flush(); err != nil {
			return err
		}
	}
	l.batch = append(l.batch, r)
	l.bytes += len(r.Raw)
	return nil
}

func (l *line) flush() error {
	if err := l.failed(); err != nil {
		return err
	}
	if err := l.ctx.Err(); err != nil {
		return context.Cause(l.ctx)
	}
	batch := l.batch
	l.batch, l.bytes = nil, 0
	if len(batch) == 0 {
		return nil
	}
	l.stream.Go(func() stream.Callback {
		w := <-l.a.workers
		res, err := guarded(func() (*result, error) { return l.step.work(l.ctx, w, batch) })
		l.a.workers <- w
		return func() {
			if l.failed() != nil {
				return
			}
			if err == nil {
				err = l.step.commit(res)
			}
			if err != nil {
				l.fail(err)
			}
		}
	})
	return nil
}

func (l *line) end() error {
	err := l.flush()
	l.stream.Wait()
	if failed := l.failed(); failed != nil {
		return failed
	}
	return err
}

func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		l.cancel(err)
	}
}

func (l *line) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
