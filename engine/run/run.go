package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Run runs a pipeline: read, review, publish. The report is never nil. The error is a *Refusal,
// ErrStopped, *Unconfirmed, *Unsaved, or the failure with its class; nil when the run ended normally.
func Run(ctx context.Context, p *component.Pipeline, o Options) (*Report, error) {
	if p.Limits.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.Limits.Timeout,
			fault.Errorf(fault.Permanent, "raise --timeout, or find out what takes so long",
				"the run took longer than its %s",
				p.Limits.Timeout))
		defer cancel()
	}
	r := newRun(p, o)
	defer r.close()
	ctx, r.lose = context.WithCancelCause(ctx)
	defer r.lose(nil)
	err := r.lostHold(r.acts(ctx))
	r.finish(err)
	return r.report, err
}

func newRun(p *component.Pipeline, o Options) *run {
	if o.Progress == nil {
		o.Progress = noProgress{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Act == nil {
		o.Act = func(string) func() { return func() {} }
	}
	if o.clock == nil {
		o.clock = realTime{}
	}
	if o.Earlier != nil {
		p = strict(p)
	}
	return &run{p: p, o: o, ledger: read.NewLedger(o.DeadLetters, o.Observer), staged: stage.New(),
		report: &Report{Pipeline: p.Name, RunID: o.RunID, Started: time.Now().UTC()}}
}

type run struct {
	p      *component.Pipeline
	o      Options
	ledger *read.Ledger
	staged *stage.Stage
	// attachments is what becomes of attached records; nil when the model knows none.
	attachments *read.Attachments
	report      *Report
	plan        *component.Plan
	// auditing is what the audit ledger lists as about to be sent; nil before publishing.
	auditing *auditing
	mu       sync.Mutex // protects notes and refused items
	// The inputs of the review, which is repeated when the sink refuses items during
	// publishing.
	held     component.Holdings
	reviewer *guard.Review
	// The state folder: store and lock are nil without one, and last is nil unless base is
	// intact.
	store *baseline.Store
	lock  *baseline.Lock
	// lose ends the run when it loses the place; unwatch ends the watching, and is nil without it.
	lose    context.CancelCauseFunc
	unwatch func()
	base    baseline.Baseline
	last    *baseline.Snapshot
	owner   baseline.Owner
	// The hidden list when the run began; empty without --state.
	hidden       baseline.Hiding
	replaced     *baseline.Hiding // used instead of the list unless it is nil
	late         []lateItem       // items that were hidden while the run published
	hiddenRefs   []string         // refs on the hidden list when it was last read
	refusedNames map[uint64]bool  // hashes of the principals that the sink refused
	// The state of uploads, of this run and of earlier ones.
	track tracking
	// journal is what was sent since the last good run, once it is read; telling is what this
	// run sends.
	journal       *baseline.Journal
	journalWriter *baseline.JournalWriter
	changed       *changed          // nil when the run does not wait for its changes
	changer       component.Changer // nil for a session that is none, or without a state folder
	// fetch finds records that are looked up but were not read; nil when all records are read.
	fetch func(ref string) (component.Entry, bool)
	// follow is that of read.Options; nil in a run.
	follow []string
}

// dry reports whether the run sends nothing.
func (r *run) dry() bool { return r.o.Until != Published }

func (r *run) acts(ctx context.Context) (err error) {
	defer recovered(&err)
	session, err := r.open(ctx)
	if err != nil {
		return err
	}
	if err := r.preflight(ctx, session); err != nil {
		return err
	}
	if err := r.stage(ctx, session); err != nil {
		return err
	}
	if r.o.Output != nil {
		if err := r.o.Output(ctx, r.plan); err != nil {
			return fault.Cause(ctx, err)
		}
	}
	if err := r.timed("review", &r.report.Seconds.Review, func() error {
		err := r.review(ctx, session)
		if r.o.Hold != nil {
			return r.hold(err)
		}
		if err != nil {
			return r.tighten(ctx, session, err)
		}
		if err := r.choose(ctx, session); err != nil {
			return err
		}
		r.reviewed()
		return nil
	}); err != nil || r.o.Until == Reviewed {
		return err
	}
	if err := r.awaitHold(ctx); err != nil {
		return err
	}
	if err := r.begin(); err != nil {
		return err
	}
	err = r.timed("publish", &r.report.Seconds.Publish, func() error { return r.publish(ctx, session) })
	if lateErr := r.settleLate(); err == nil {
		err = lateErr
	}
	if err == nil {
		err = r.ledger.Settle() // dead letters of publishing are written, too
	}
	if err != nil && !errors.As(err, new(*fault.Unconfirmed)) {
		return err
	}
	if confirmErr := r.confirm(ctx, session); confirmErr != nil {
		err = errors.Join(err, confirmErr)
	}
	return err
}

// hold returns Options.Hold with what the guards refused; another error of the review is returned
// as it is. Nothing narrower is sent either: it would follow rules that wait for a person.
func (r *run) hold(err error) error {
	hold := *r.o.Hold
	if refused := new(fault.Refusal); err != nil && !errors.As(err, &refused) {
		return err
	} else if err != nil {
		hold.Also = refused
	}
	return &hold
}

// recovered converts a panic of the calling function to its error.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
	}
}

// open takes the state folder and opens the sink's session.
func (r *run) open(ctx context.Context) (component.Session, error) {
	if err := r.remember(); err != nil {
		return nil, err
	}
	session, err := r.p.Sink.Open(ctx, component.Opening{
		Pipeline: r.p.Name, RunID: r.o.RunID, Owner: r.owner.ID, Offline: r.p.Offline,
		Written: func(stream string) bool { return r.p.Unwritten(stream) == "" },
		Ended:   func(run string) bool { return r.lock != nil && r.lock.Ended(run) },
		Discard: r.o.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("open the sink: %w", err)
	}
	return session, nil
}

// preflight checks the conditions for publishing before the source is read. It skips dry runs,
// which publish nothing.
func (r *run) preflight(ctx context.Context, session component.Session) error {
	s, can := session.(component.Preflighter)
	if !can || r.dry() || r.p.Offline {
		return nil
	}
	err := s.Preflight(ctx)
	if _, unsaid := r.unsaid(ctx, err); unsaid { // the baseline guard refuses it and lists what it would have done
		return nil
	}
	return fault.Cause(ctx, err)
}

// timed performs an act and sets how long it took.
func (r *run) timed(name string, seconds *float64, act func() error) error {
	defer r.o.Act(name)()
	started := time.Now()
	err := act()
	*seconds = time.Since(started).Seconds()
	return err
}
