package component

import "github.com/pipe-engine/pipe/engine/expression"

// Entry is the part of a record that the look-up index keeps: ref, kind, title and e-mail,
// about 100 bytes.
type Entry = expression.Entry

// Record is one record of the source. The source sets Entry and Raw; the engine's workers set
// Value with Model.Decode, and transforms may replace Value. A record belongs to one goroutine
// at a time.
type Record struct {
	Entry
	// Raw is the record as the source returned it, one JSON object.
	Raw []byte
	// Value is the decoded record. Expressions may hold parts of it: a transform must copy what
	// it changes and never modify Value in place.
	Value map[string]any
}

// Kind is one kind of record that a phase reads.
type Kind struct {
	Name string
	// Off means that the kind is read only to resolve refs and is not written.
	Off bool
}

// Phase is a part of the source that is read completely before the next one.
type Phase struct {
	Name string
	// Identities marks the phase whose items the sink needs to resolve the principals of all
	// other items.
	Identities bool
	// Attached marks a phase whose records belong to records of earlier phases; see Attacher.
	// Such phases are the last ones.
	Attached bool
	Kinds    []Kind
}
