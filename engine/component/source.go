package component

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Model tells what a source's records look like. It is made from configuration
// alone: it opens nothing and is safe for concurrent use.
type Model interface {
	Refs
	// Language is the names and functions that expressions may use.
	Language() expression.Model
	// Phases is the order of reading.
	Phases() []Phase
	// Decode fills r.Value from r.Raw. An error is a *Rejection of that record
	// alone. It is called from many goroutines, once per record.
	Decode(r *Record) error
}

// Refs is the grammar of a source's refs. Everything else takes a ref as a whole.
type Refs interface {
	// ParseRef reads a full ref as a person writes it and returns it in the spelling
	// of Entry.Ref. ok is false when the text is not a full ref.
	ParseRef(text string) (ref string, ok bool)
	// RefHint says how to write a text that is not a full ref. kind is what it most
	// likely means: user or group.
	RefHint(text, kind string) string
	// KindOf returns the kind that a ref names, in lower case; "" when refs do not
	// name kinds.
	KindOf(ref string) string
	// MayMean reports whether a person who writes the text, a ref or a part of one,
	// may mean the ref.
	MayMean(text, ref string) bool
	// Name returns the part of a ref, or of such a text, that suggestions compare:
	// what people most likely mistype.
	Name(text string) string
	// Examples returns two refs of a kind that have nothing else in common.
	Examples(kind string) [2]string
}

// Hinter is the optional capability of a model to say what a wrong expression most
// likely means; "" when it does not know.
type Hinter interface {
	Hint(expression string) string
}

// Recorder is the optional capability of a model to make records of what was
// recorded elsewhere, so that files stand in for the source.
type Recorder interface {
	// Record makes a record of one JSON object; its kind is spelt as in Phases.
	// Value is left to Decode. An error says what it lacks to be a record.
	Record(raw []byte) (*Record, error)
	// Complete adds what the source itself would add to records as people write
	// them, from all of them together, such as relations and the content of files
	// that a record names. Notes are sentences about what it could not add.
	Complete(records []Recorded) (raw [][]byte, notes []string, err error)
}

// IsRecord reports whether a model makes a record of one JSON object; false for a
// model that makes none.
func IsRecord(m Model, object []byte) bool {
	recorder, can := m.(Recorder)
	if !can {
		return false
	}
	_, err := recorder.Record(object)
	return err == nil
}

// Recorded is a record as a file holds it, one JSON object, and where it stands.
type Recorded struct {
	Raw []byte
	Pos config.Pos
	// Folder is that of the file, below which the files lie that the record may
	// name; "" when there is none.
	Folder string
}

// Source reads records. It is used by one run and then closed.
type Source interface {
	// Read reads one phase completely and calls emit with what it got, a page
	// at a time; emit may be called from several goroutines, blocks when the
	// engine is behind (back-pressure), and its error must be returned. The
	// records belong to the engine afterwards. nil means that the phase was
	// read to its end: every doubt is an error (invariant 1).
	Read(ctx context.Context, phase Phase, emit Emit) error
	// Close releases connections. It is called once, after the last Read.
	Close() error
}

// Emit hands records to the engine; see Source.Read.
type Emit func(ctx context.Context, records []*Record) error

// Getter is the optional capability of a source to read one record by its ref.
// The record is nil when there is none.
type Getter interface {
	Get(ctx context.Context, ref string) (*Record, error)
}

// Confirmer is the optional capability of a source to ask for refs one by one,
// where reading did not bring them (invariant 4).
type Confirmer interface {
	// Confirm asks for refs of a phase and emits those that are there, as Read
	// would have, with the same filters. control are refs that were just read:
	// some go with every request, and one that is not found is an error, since
	// then an absence proves nothing.
	Confirm(ctx context.Context, phase Phase, refs, control []string, emit Emit) error
}

// Checker is the optional capability of a source or sink to tell whether a run
// could work: reachable, credentials good, something readable.
type Checker interface {
	Check(ctx context.Context) []Finding
}

// Diagnoser is the optional capability of a source or sink to go to its server step by step,
// before Check makes a request. When a step is not OK, Check would fail for the same cause.
type Diagnoser interface {
	Diagnose(ctx context.Context) []Finding
}

// Certified is the optional capability of a source or sink to say when its client
// certificate expires, zero when it has none.
type Certified interface {
	CertificateExpiry() time.Time
}

// Finding is one line of a check.
type Finding struct {
	What    string // what was looked at: "reachable", "credentials", …
	OK      bool
	Skipped bool          // it was not looked at, since a step before it is not OK
	Warning bool          // it is OK for now
	Detail  string        // what was found
	Remedy  string        // what to do when it is not OK or a warning
	Took    time.Duration // how long it took, 0 when that was not measured
	Err     error         // the error that Detail describes, nil when there is none
}

// Noter is the optional capability of a source, transform or session to add sentences to the
// report: things that went well enough, but that a person should know.
type Noter interface {
	Notes() []string
}

// Column is one column of a table of records: an expression on each.
type Column struct{ Title, Expression string }

// Tabler is the optional capability of a model to say what people want to see of
// a kind at a glance.
type Tabler interface{ Columns(kind string) []Column }
