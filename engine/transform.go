package engine

import (
	"context"
	"fmt"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Worker is what one goroutine of the read act works with. Transforms, mapper
// and decider are shared between workers and keep no state of their own.
type Worker struct {
	Run    *expression.Run
	lookup func(string) (Entry, bool)
	// unseen tells of a ref that was not found that it may be there.
	unseen  func(ref string) bool
	current *Record
}

// NewWorker makes a worker of its own for a caller outside a run, such as a
// test; lookup may be nil.
func NewWorker(l *expression.Language, lookup func(string) (Entry, bool)) *Worker {
	if lookup == nil {
		lookup = func(string) (Entry, bool) { return Entry{}, false }
	}
	w := &Worker{Run: l.NewRun(), unseen: func(string) bool { return false }}
	w.lookup = func(ref string) (Entry, bool) {
		e, ok := lookup(ref)
		if !ok && w.current != nil && w.unseen(ref) {
			w.current.unsure = ref
		}
		return e, ok
	}
	return w
}

// Begin points the worker's expressions at a record, forgetting the last one.
func (w *Worker) Begin(r *Record) {
	w.current, r.unsure = r, ""
	w.Run.Start(r.Ref, r.Value, w.lookup)
}

// Sure fails when something was looked up since Begin that cannot be seen yet.
// Whatever decides what becomes of a record, or who finds it, asks for it: a
// condition that does not hold because it did not see must decide nothing
// (invariant 2). Names that only stand in a text need not be sure.
func (w *Worker) Sure() error { return w.current.sure() }

func (r *Record) sure() error {
	if r.unsure == "" {
		return nil
	}
	return fmt.Errorf("it looks up %s, which is read in the same phase and cannot be seen: raise limits.hold above the size of the catalog, or decide by what the record itself says", r.unsure)
}

// Outcome is what a transform did with one record.
type Outcome struct {
	// Dropped is the name under which the record is counted as filtered; ""
	// keeps it.
	Dropped string
	// Skipped says that the transform did not see the record, since its condition
	// did not hold.
	Skipped bool
	// Err rejects the record: a *Rejection, or any error as its reason.
	Err error
}

// Transform changes or drops records. Apply returns one outcome per record, in
// their order; changed records have a new Value. An error ends the run. Apply
// is called from many goroutines, each with its own worker.
type Transform interface {
	Name() string
	Apply(ctx context.Context, w *Worker, records []*Record) ([]Outcome, error)
}

// Pass says which streams a mapping is asked for: identities are mapped before
// everything else of their phase, because everything else may name them.
type Pass uint8

const (
	IdentityStreams Pass = iota
	OtherStreams
)

// Mapped is what the mapper made of one record in one pass.
type Mapped struct {
	Items []Item
	// Later tells, in the pass over identity streams, that the other pass has
	// something to do with the record.
	Later bool
	// Omitted names why no mapping took the record, "" when one did.
	Omitted string
}

// Mapper makes items of records. The worker has begun the record.
type Mapper interface {
	Map(w *Worker, r *Record, pass Pass) (Mapped, error)
}

// Decider decides who finds what comes of a record. The worker has begun the
// record. It never returns Undecided without an error (invariant 2).
type Decider interface {
	Decide(w *Worker, r *Record) (access.Permissions, error)
}
