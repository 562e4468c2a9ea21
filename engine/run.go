package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/stage"
)

// Act is how far a run goes.
type Act uint8

// The acts, from the whole run to the shortest.
const (
	Published Act = iota
	Reviewed      // read and reviewed; nothing is sent (a dry run)
	Staged        // read and planned; no guard looks at it, and nothing is sent
)

// Options are what one run is asked for, beside its pipeline.
type Options struct {
	RunID string // NewRunID()
	// Until is the act after which the run ends.
	Until Act
	// Approve are IDs of refusals that a person allows. By is that person.
	Approve []string
	By      string
	// State is the folder that remembers the last good run; "" for none.
	State string
	// Wait is how long to wait, after everything was sent, for the sink to process
	// it; 0 asks once.
	Wait time.Duration
	// MustConfirm makes it an *Unconfirmed when the sink has not processed
	// everything within Wait.
	MustConfirm bool
	// Discard are ids of unfinished uploads that a person has given up.
	Discard []string
	// Output is given every stream of the plan before it is published.
	Output func(ctx context.Context, plan *component.Plan) error
	// Compared is given, after Output, what would change against the last good run.
	Compared func(Differences) error
	// DeadLetters is given every rejection as it happens; nil for none.
	DeadLetters func(component.DeadLetter) error
	Progress    Progress
	// Observer sees what is made of the records; nil in ordinary runs.
	Observer component.Observer
	Log      *slog.Logger
	// Stop is closed by the first signal: a read is left, an upload under way
	// is ended. The context ends everything at once.
	Stop <-chan struct{}

	clock timer
}

// Progress is told how a run goes on, from many goroutines. Its methods return
// at once.
type Progress interface {
	// Read tells how many records have been read so far.
	Read(total int)
	// Reviewed tells how many items of each stream will be sent.
	Reviewed(streams []component.StreamPlan)
	// Sent tells that n more items of a stream were acknowledged.
	Sent(stream string, n int)
	// Waiting reports which streams the sink has still to process, each with its
	// state, while the run waits for that.
	Waiting(pending []string)
}

type noProgress struct{}

func (noProgress) Read(int)                        {}
func (noProgress) Reviewed([]component.StreamPlan) {}
func (noProgress) Sent(string, int)                {}
func (noProgress) Waiting([]string)                {}

// NewRunID is a name for a run: sortable by time, unique.
func NewRunID() string { return ulid.MustNew(ulid.Now(), rand.Reader).String() }

// Run runs a pipeline: read, review, publish. The report is never nil. The
// error says why the run did not end as it should: a *Refusal, ErrStopped,
// *Unconfirmed, or what went wrong, with its class.
func Run(ctx context.Context, p *component.Pipeline, o Options) (*Report, error) {
	if o.Progress == nil {
		o.Progress = noProgress{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.clock == nil {
		o.clock = realTime{}
	}
	if p.Limits.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.Limits.Timeout, fault.Errorf(fault.Permanent, "raise --timeout, or look at what takes so long", "the run took longer than its %s", p.Limits.Timeout))
		defer cancel()
	}
	r := newRun(p, o)
	defer r.shelf.Close()
	defer r.forgo()
	err := r.acts(ctx)
	r.finish(err)
	return r.report, err
}

func newRun(p *component.Pipeline, o Options) *run {
	return &run{p: p, o: o, ledger: read.NewLedger(o.DeadLetters, o.Observer), shelf: stage.New(), report: &Report{Pipeline: p.Name, RunID: o.RunID, Started: time.Now().UTC()}}
}

type run struct {
	p      *component.Pipeline
	o      Options
	ledger *read.Ledger
	shelf  *stage.Stage
	report *Report
	plan   *component.Plan
	mu     sync.Mutex // notes and refused
	// What review knew, for looking again when publishing takes items back.
	held     component.Holdings
	reviewer *guard.Review
	// What the state folder has: store and lock are nil without one, and last is nil
	// unless base is intact.
	store *baseline.Store
	lock  *baseline.Lock
	base  baseline.Baseline
	last  *baseline.Snapshot
	owner baseline.Owner
	// The hidden list as it was when the run began; empty without --state.
	hidden     baseline.Hiding
	showHidden bool       // hidden stays empty
	late       []lateItem // that were hidden while the run published
	hiddenRefs []string   // as the hidden list was read last
	// What became of uploads, of this run and of earlier ones.
	track tracking
	// fetch finds what is looked up and was not read; nil when everything is.
	fetch func(ref string) (component.Entry, bool)
}

// dry reports whether the run sends nothing.
func (r *run) dry() bool { return r.o.Until != Published }

func (r *run) acts(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	if err := r.remember(); err != nil {
		return err
	}
	session, err := r.p.Sink.Open(ctx, component.Opening{
		Pipeline: r.p.Name, RunID: r.o.RunID, Owner: r.owner.ID, Offline: r.p.Offline,
		Written: func(stream string) bool { return r.p.Unwritten(stream) == "" },
		Ended:   func(run string) bool { return r.lock != nil && r.lock.Ended(run) },
		Discard: r.o.Discard,
	})
	if err != nil {
		return fmt.Errorf("open the sink: %w", err)
	}
	if err := r.preflight(ctx, session); err != nil {
		return err
	}
	if err := timed(&r.report.Seconds.Read, func() error { return r.read(ctx, session) }); err != nil {
		return err
	}
	if err := r.planned(ctx); err != nil || r.o.Until == Staged {
		return err
	}
	if err := timed(&r.report.Seconds.Review, func() error { return r.review(ctx, session) }); err != nil || r.o.Until == Reviewed {
		return err
	}
	if err := r.begin(); err != nil {
		return err
	}
	r.report.Sent = true
	err = timed(&r.report.Seconds.Publish, func() error { return causeOf(ctx, session.Publish(ctx, r.plan)) })
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

// preflight checks what publishing depends on before the source is read. A dry run
// publishes nothing: what a run would fail at is one of its notes.
func (r *run) preflight(ctx context.Context, session component.Session) error {
	s, can := session.(component.Preflighter)
	if !can || r.dry() || r.p.Offline {
		return nil
	}
	err := s.Preflight(ctx)
	if _, unsaid := r.unsaid(ctx, err); unsaid { // the baseline guard refuses it with what it would have done
		return nil
	}
	return causeOf(ctx, err)
}

func timed(seconds *float64, act func() error) error {
	started := time.Now()
	err := act()
	*seconds = time.Since(started).Seconds()
	return err
}

func (r *run) read(ctx context.Context, session component.Session) error {
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
		return causeOf(ctx, err)
	}
	err := read.Run(ctx, read.Options{
		Pipeline: r.p, Session: session, Stage: r.shelf, Ledger: r.ledger, Last: r.last, Hidden: r.hidden,
		Fetch: r.fetch, Note: r.note, Tick: r.o.Progress.Read, Observer: r.o.Observer,
	})
	if err != nil {
		return causeOf(ctx, err)
	}
	for _, t := range r.p.Transforms {
		if n, ok := component.Capability[component.Noter](t); ok {
			r.notesOf(n)
		}
	}
	r.notesOf(r.p.Source)
	r.notesOf(session)
	return r.shelf.Flush()
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

// planned checks the books of the read act and makes the plan of what was staged.
func (r *run) planned(ctx context.Context) error {
	if err := r.ledger.Settle(); err != nil {
		return err
	}
	r.makePlan()
	if r.o.Output == nil {
		return nil
	}
	return causeOf(ctx, r.o.Output(ctx, r.plan))
}

func (r *run) review(ctx context.Context, session component.Session) error {
	held, err := r.holdings(ctx, session)
	if err != nil {
		return err
	}
	r.held = held
	r.track.begin(r.last, held.History, r.o.clock.Now())
	if err := r.compare(); err != nil {
		return err
	}
	if r.reviewer.Untrusted, err = r.known().Untrusted(r.plan, r.shelf); err != nil {
		return err
	}
	if r.reviewer.Untrusted == nil {
		r.noteUnknown()
	}
	if err := r.noteHidden(); err != nil {
		return err
	}
	if r.o.Compared != nil {
		if err := r.o.Compared(r.differences()); err != nil {
			return err
		}
	}
	if err := r.reviewer.Run(r.plan, held); err != nil {
		r.storeRefusal(err)
		return err
	}
	r.noteApprovals()
	r.noteStrict()
	r.reviewer.Clear(r.plan, held)
	for i := range r.plan.Streams {
		s := &r.plan.Streams[i]
		s.Paused = r.track.paused[s.Name]
	}
	if !r.dry() {
		r.o.Progress.Reviewed(r.plan.Streams)
	}
	return nil
}

// noteUnknown names the streams of which nobody says what was there.
func (r *run) noteUnknown() {
	var unknown []string
	for _, s := range r.plan.Streams {
		if _, known := r.held.Count(s.Name); !known && !r.p.Offline && !r.reviewer.Remembers(s.Name) {
			unknown = append(unknown, s.Name)
		}
	}
	if len(unknown) > 0 {
		r.note("the sink does not say what it holds of %s, and no earlier run is remembered: the loss guard had nothing to compare with", strings.Join(unknown, ", "))
	}
}

// holdings asks the sink what it holds. A dry run goes on without an answer.
func (r *run) holdings(ctx context.Context, session component.Session) (component.Holdings, error) {
	if r.p.Offline {
		r.note("the sink was not asked for anything, since its address or token is not set: what would go could not be compared with what it holds")
		return component.Holdings{}, nil
	}
	held, err := session.Holds(ctx)
	if held, unsaid := r.unsaid(ctx, err); unsaid {
		return held, nil
	}
	if err != nil && r.dry() && ctx.Err() == nil {
		r.note("a run would fail here: %v", err)
		if remedy := fault.RemedyOf(err); remedy != "" {
			r.note("before a run, %s", remedy)
		}
		return component.Holdings{}, nil
	}
	if err == nil && held.New {
		err = guard.Recreate(r.base, r.owner)
	}
	return held, causeOf(ctx, err)
}

// makePlan puts the streams of the sink first, in its order, and then those
// that the session staged of its own.
func (r *run) makePlan() {
	r.plan = &component.Plan{RunID: r.o.RunID, Stop: r.o.Stop, Sent: r.o.Progress.Sent, Uploaded: r.uploaded, Note: r.note}
	r.plan.Reject, r.plan.Hidden, r.plan.Withhold = r.refuse, r.hiddenSince, r.withholdLate
	for _, s := range r.p.Streams {
		if r.p.Unwritten(s.Name) == "" {
			r.plan.Streams = append(r.plan.Streams, r.shelf.Plan(s.Name))
		}
	}
	for _, name := range r.shelf.Names() {
		if _, declared := r.p.Stream(name); !declared {
			s := r.shelf.Plan(name)
			s.Own = true
			r.plan.Streams = append(r.plan.Streams, s)
		}
	}
}

// causeOf gives the cause of an error that only says that the context ended.
func causeOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
	}
	return err
}
