package component

import (
	"context"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Worker is the state of one goroutine of the read act. Transforms, mapper and decider are
// shared between workers and have no mutable state.
type Worker struct {
	Run     *expression.Run
	lookup  expression.Lookup
	lookups int
}

// NewWorker returns a worker; a nil lookup finds nothing.
func NewWorker(l *expression.Language, lookup expression.Lookup) *Worker {
	w := &Worker{Run: l.NewRun()}
	if lookup != nil {
		w.lookup = func(ref string) (expression.Entry, expression.Presence) {
			w.lookups++
			return lookup(ref)
		}
	}
	return w
}

// Lookups returns how often the worker's expressions have looked up a record.
func (w *Worker) Lookups() int { return w.lookups }

// Begin makes a record the current one of the worker's expressions.
func (w *Worker) Begin(r *Record) { w.Run.Start(r.Ref, r.Value, w.lookup) }

// Outcome is the result of a transform for one record.
type Outcome struct {
	// Dropped is the name under which the record is counted as filtered; "" keeps the record.
	Dropped string
	// Skipped means that the transform's condition did not hold.
	Skipped bool
	// Err rejects the record: a *Rejection, or any other error as the reason.
	Err error
}

// Transform changes or drops records. Apply returns one outcome per record, in the order of
// records; a changed record has a new Value. An error ends the run. Apply is called from many
// goroutines, each with its own worker.
type Transform interface {
	Name() string
	Apply(ctx context.Context, w *Worker, records []*Record) ([]Outcome, error)
}

// Pass selects the streams to map: within a phase, identities are mapped before other streams
// because items of other streams may name them.
type Pass uint8

const (
	IdentityStreams Pass = iota
	OtherStreams
)

// Mapped is the result of mapping one record in one pass.
type Mapped struct {
	Items []Item
	// Later reports, in the pass over identity streams, that the other pass has a mapping for
	// the record.
	Later bool
	// Omitted is why no mapping took the record; "" when one did.
	Omitted string
}

// Mapper makes items from records. The worker has begun the record.
type Mapper interface {
	Map(w *Worker, r *Record, pass Pass) (Mapped, error)
}

// Decider decides who finds the items of a record. The worker has begun the record. It never
// returns Undecided without an error (invariant 2).
type Decider interface {
	Decide(w *Worker, r *Record) (access.Permissions, error)
}
