package component

import (
	"context"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Worker is what one goroutine of the read act works with. Transforms, mapper
// and decider are shared between workers and keep no state of their own.
type Worker struct {
	Run    *expression.Run
	lookup expression.Lookup
}

// NewWorker makes a worker; a nil lookup finds nothing.
func NewWorker(l *expression.Language, lookup expression.Lookup) *Worker {
	return &Worker{Run: l.NewRun(), lookup: lookup}
}

// Begin points the worker's expressions at a record, forgetting the last one.
func (w *Worker) Begin(r *Record) { w.Run.Start(r.Ref, r.Value, w.lookup) }

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
