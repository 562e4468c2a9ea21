package read

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Options are the inputs of Run.
type Options struct {
	Pipeline *component.Pipeline
	Session  component.Session
	Stage    *stage.Stage
	Ledger   *Ledger
	Last     *baseline.Snapshot // of the last good run; nil when there is none
	Hidden   baseline.Hiding
	// Attachments is what becomes of attached records; nil when no record can be attached.
	Attachments *Attachments
	// Follow are records that are read without what is attached to them. The items attached to
	// them stay in the sink, with the permissions that they have now, also when no phase is
	// attached; nil in a run.
	Follow []string
	// Journal is what was sent since the last good run; nil for nothing. It is read for Follow.
	Journal *baseline.Journal
	// Fetch finds records that are looked up but were not read; nil when all records are read.
	Fetch func(ref string) (component.Entry, bool)
	Note  func(format string, args ...any)
	// Tick receives what has been read so far, after each page.
	Tick     func(kinds []KindRead)
	Observer component.Observer // nil in ordinary runs
}

// Run is the first act: it reads the source phase by phase and stages its items or records
// their endings in the ledger. Nothing is sent (invariant 1).
func Run(ctx context.Context, o Options) error {
	a := &reading{
		p: o.Pipeline, ledger: o.Ledger, index: newIndex(o.Pipeline.Model), stage: o.Stage, last: o.Last, note: o.Note,
		tick: o.Tick, watch: o.Observer,
		chain: &chain{p: o.Pipeline, session: o.Session, hidden: o.Hidden, off: map[string]bool{}, watch: o.Observer,
			hostOf: component.HostsOf(o.Pipeline.Model)},
		workers: make(chan *component.Worker, o.Pipeline.Limits.Workers), cuts: cuts{},
	}
	a.index.fetch = o.Fetch
	a.attachments, a.followed, a.journal = o.Attachments, o.Follow, o.Journal
	if a.attachments == nil {
		a.attachments = NewAttachments(nil, false)
	}
	// What the last run sent may be attached although no phase is.
	if _, may := o.Pipeline.Model.(component.Hoster); may && o.Last != nil ||
		slices.ContainsFunc(o.Pipeline.Model.Phases(), func(ph component.Phase) bool { return ph.Attached }) {
		a.chain.hosts = newHosts()
		a.attachments.decided = a.chain.hosts
	}
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

// reading is the state of one Run.
type reading struct {
	p       *component.Pipeline
	chain   *chain
	ledger  *Ledger
	index   *index
	stage   *stage.Stage
	last    *baseline.Snapshot
	note    func(format string, args ...any)
	workers chan *component.Worker
	tick    func([]KindRead)
	watch   component.Observer
	sealed  bool
	cuts    cuts

	attachments *Attachments
	followed    []string          // Options.Follow
	journal     *baseline.Journal // Options.Journal
}

// run reads the phases in order. It seals the identities before the first phase of other
// records.
func (a *reading) run(ctx context.Context) error {
	phases := a.p.Model.Phases()
	last := 0 // of the phases that are not attached
	for i, ph := range phases {
		if !ph.Attached {
			last = i
		}
	}
	for i, ph := range phases {
		if ph.Identities {
			if err := a.identities(ctx, ph); err != nil {
				return err
			}
			continue
		}
		if err := a.seal(ctx); err != nil {
			return err
		}
		if a.p.OnlyIdentities() {
			break
		}
		read := a.whole
		switch {
		case ph.Attached && a.followed != nil:
			continue
		case ph.Attached:
			read = a.attached
		case i == last:
			read = a.streamed
		}
		if err := read(ctx, ph); err != nil {
			return err
		}
	}
	if err := a.follow(ctx); err != nil {
		return err
	}
	return a.seal(ctx)
}

// identities reads a phase of users and groups. It reads the whole phase before mapping, which
// lets its records look each other up. Records are mapped twice: first for the streams of
// identities, which are then sealed, and then, with the identities known, for the other
// streams.
func (a *reading) identities(ctx context.Context, ph component.Phase) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	records, err := a.gather(ctx, ph)
	if err != nil {
		return err
	}
	defer records.Close()
	later := stage.NewSpillBuffer(a.p.Limits.SpillBytes)
	defer later.Close()
	if err := a.work(ctx, cancel, records, a.stepIdentities(later)); err != nil {
		return err
	}
	if err := a.seal(ctx); err != nil {
		return err
	}
	return a.work(ctx, cancel, later, a.stepOthers(a.chain.decoded))
}

// whole reads a phase completely before mapping, which lets its own records and those of later
// phases look it up.
func (a *reading) whole(ctx context.Context, ph component.Phase) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	records, err := a.gather(ctx, ph)
	if err != nil {
		return err
	}
	defer records.Close()
	return a.work(ctx, cancel, records, a.stepOthers(a.chain.others))
}

// streamed reads the last phase, which no later phase looks up. While the phase fits in memory,
// it works like whole. When it does not fit, its records can no longer look each other up and
// are processed while the rest is read.
func (a *reading) streamed(ctx context.Context, ph component.Phase) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	buffer := stage.NewSpillBuffer(a.p.Limits.SpillBytes)
	defer buffer.Close()
	var running *batchRunner // nil while the phase fits in memory
	err := a.receive(ctx, ph, func(r *component.Record) error {
		if running != nil {
			return running.add(r)
		}
		a.index.add(r.Entry)
		if err := buffer.Add(r); err != nil || !buffer.Spilled() {
			return err
		}
		a.index.forget(ph)
		running = a.newRunner(ctx, cancel, a.stepOthers(a.chain.others))
		return buffer.Drain(running.add)
	})
	if running != nil {
		if lineErr := running.end(); lineErr != nil {
			return lineErr
		}
		return err
	}
	if err != nil {
		return err
	}
	a.index.seal()
	return a.work(ctx, cancel, buffer, a.stepOthers(a.chain.others))
}

// gather reads a phase into a buffer, which the caller closes, and makes it visible to
// look-ups.
func (a *reading) gather(ctx context.Context, ph component.Phase) (*stage.SpillBuffer, error) {
	buffer := stage.NewSpillBuffer(a.p.Limits.SpillBytes)
	err := a.receive(ctx, ph, func(r *component.Record) error {
		a.index.add(r.Entry)
		return buffer.Add(r)
	})
	if err != nil {
		buffer.Close()
		return nil, err
	}
	a.index.seal()
	return buffer, nil
}

// receive reads a phase and passes the first record of each ref to take, one at a time. When
// the context has ended, it returns the cause.
func (a *reading) receive(ctx context.Context, ph component.Phase, take func(*component.Record) error) error {
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
			if err := take(r); err != nil {
				return err
			}
		}
		a.tick(a.progress())
		return nil
	}
	err := a.p.Source.Read(ctx, ph, emit)
	if err == nil && !ph.Attached {
		err = a.confirm(ctx, ph, emit)
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

// KindRead is how much of a kind has been read, for the progress of a run.
type KindRead struct {
	Kind string
	Read int
	// Estimate is the number of records that the source expects, 0 where it does not know.
	Estimate int
}

// progress returns what has been read of each kind, in the order in which they began.
func (a *reading) progress() []KindRead {
	out := a.ledger.kindsRead()
	if s, can := a.p.Source.(component.Estimator); can {
		expected := s.Estimates()
		for i := range out {
			out[i].Estimate = expected[out[i].Kind]
		}
	}
	return out
}

// seal ends the collection of identities. Only the first call has an effect.
func (a *reading) seal(ctx context.Context) error {
	if a.sealed {
		return nil
	}
	a.sealed = true
	return a.chain.session.Seal(ctx, outlet{a})
}
