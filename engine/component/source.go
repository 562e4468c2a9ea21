package component

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// Model describes the records of a source. It depends on the configuration alone, opens nothing
// and is safe for concurrent use.
type Model interface {
	Refs
	// Language returns the names and functions for expressions.
	Language() expression.Model
	// Phases returns the phases in the order of reading.
	Phases() []Phase
	// Decode sets r.Value from r.Raw. An error is a *Rejection of that record only. Decode is
	// called from many goroutines, once per record.
	Decode(r *Record) error
}

// Refs is the grammar of a source's refs. All other code treats a ref as opaque.
type Refs interface {
	// ParseRef parses a full ref as users write it and returns it in the spelling of Entry.Ref.
	// ok is false when the text is not a full ref.
	ParseRef(text string) (ref string, ok bool)
	// RefHint returns how to write a text that is not a full ref. kind is the kind that was
	// most likely meant: user or group.
	RefHint(text, kind string) string
	// KindOf returns the kind in a ref, in lower case; "" when refs do not contain kinds.
	KindOf(ref string) string
	// MayMean reports whether a user who writes text, a ref or a part of one, may mean ref.
	MayMean(text, ref string) bool
	// Name returns the part of a ref, or of a text for MayMean, that suggestions compare: the
	// part that users most likely mistype.
	Name(text string) string
	// Examples returns two refs of a kind that have nothing else in common.
	Examples(kind string) [2]string
}

// Namespacer is the optional capability of a model whose refs contain a namespace. NamespaceOf
// returns the namespace in a ref, in lower case; "" when the ref has none.
type Namespacer interface{ NamespaceOf(ref string) string }

// Hinter is the optional capability of a model to suggest a correction of a wrong expression;
// "" when it has none.
type Hinter interface {
	Hint(expression string) string
}

// Recorder is the optional capability of a model to make records from recorded data. Files can
// then replace the source.
type Recorder interface {
	// Record makes a record from one JSON object; its kind is spelt as in Phases. It does not
	// set Value, which Decode does. The error says why the object is not a record.
	Record(raw []byte) (*Record, error)
	// Complete adds what the source would add to records in the form that users write, such as
	// relations and the content of files that a record names. It needs all records at once.
	// notes are sentences about what it could not add.
	Complete(records []Recorded) (raw [][]byte, notes []string, err error)
}

// IsRecord reports whether the model can make a record of a JSON object; false for a model that
// is no Recorder.
func IsRecord(m Model, object []byte) bool {
	recorder, can := m.(Recorder)
	if !can {
		return false
	}
	_, err := recorder.Record(object)
	return err == nil
}

// Recorded is a record in a file, one JSON object, and its position.
type Recorded struct {
	Raw []byte
	Pos config.Pos
	// Folder is the folder of the file. The record may name files below it; "" when there is
	// none.
	Folder string
}

// Source reads records. A source serves one run and is then closed.
type Source interface {
	// Read reads one phase completely and passes the records to emit, a page at a time. emit
	// may be called from several goroutines; it blocks while the engine is behind
	// (back-pressure), and its error must be returned. The records belong to the engine
	// afterwards. Read returns nil only when the phase was certainly read to its end (invariant
	// 1).
	Read(ctx context.Context, phase Phase, emit Emit) error
	// Close releases connections. It is called once, after the last Read.
	Close() error
}

// Emit passes records to the engine; see Source.Read.
type Emit func(ctx context.Context, records []*Record) error

// Getter is the optional capability of a source to read one record by its ref. Get returns nil
// when there is no such record.
type Getter interface {
	Get(ctx context.Context, ref string) (*Record, error)
}

// Confirmer is the optional capability of a source to look up single refs that reading did not
// return (invariant 4).
type Confirmer interface {
	// Confirm looks up refs of a phase and emits the existing ones as Read would, with the same
	// filters. control are refs that were just read: each request contains some of them, and a
	// missing one is an error because absence then proves nothing.
	Confirm(ctx context.Context, phase Phase, refs, control []string, emit Emit) error
}

// Estimator is the optional capability of a source to say how many records to expect. Only
// the progress of a run shows it: it may be wrong, and no guard and no report uses it.
type Estimator interface {
	// Estimates returns the expected number of records of each kind, as far as it is known
	// so far. It is called during Read, from other goroutines.
	Estimates() map[string]int
}

// Checker is the optional capability of a source or sink to check whether a run could work: the
// address is reachable, the credentials are valid, there is something to read.
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
	What    string // what was checked: "reachable", "credentials", …
	OK      bool
	Skipped bool          // not checked, because a step before it is not OK
	Warning bool          // OK for now
	Detail  string        // what was found
	Remedy  string        // what to do when it is not OK or a warning
	Took    time.Duration // how long it took, 0 when that was not measured
	Err     error         // the error that Detail describes, nil when there is none
}

// Noter is the optional capability of a source, transform or session to add notes to the
// report: events that do not fail the run but that users should know about.
type Noter interface {
	Notes() []string
}

// Column is a column of a table of records. Expression is evaluated for each record.
type Column struct{ Title, Expression string }

// Tabler is the optional capability of a model to define the columns that summarize a kind.
type Tabler interface{ Columns(kind string) []Column }
