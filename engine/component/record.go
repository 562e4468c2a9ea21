package component

import "github.com/pipe-engine/pipe/engine/expression"

// Entry is what the look-up index keeps of a record: its ref, kind, title and
// e-mail, about 100 bytes.
type Entry = expression.Entry

// Record is one thing that the source read. The source fills Entry and Raw;
// the engine's workers fill Value through Model.Decode, and transforms may
// replace Value. Everything in it belongs to one goroutine at a time.
type Record struct {
	Entry
	// Raw is the record as the source sent it, one JSON object.
	Raw []byte
	// Value is the decoded record. Expressions may hold parts of it, so that a
	// transform copies what it changes and never writes into it.
	Value map[string]any
}

// Kind is one kind of record that a phase reads.
type Kind struct {
	Name string
	// Off means that the kind is read only to resolve refs, and nothing of it
	// is written.
	Off bool
}

// Phase is a part of the source that is read as a whole before the next one.
type Phase struct {
	Name string
	// Identities marks the phase whose items the sink must know before it can
	// resolve the principals of any other.
	Identities bool
	Kinds      []Kind
}
