package component

import "github.com/pipe-engine/pipe/engine/access"

// Observer sees what a run makes of records, step by step. It changes nothing:
// `explain`, `eval` and `test` are a dry run with one. The values that it is
// given belong to the run; it may keep them and never writes into them.
//
// Wants is asked for every record, from many goroutines, and so are the steps
// told up to Decided; Staged and Ended come from one goroutine at a time.
type Observer interface {
	// Wants tells whether the steps of a record are to be told.
	Wants(ref string) bool
	// Decoded: the record as the model understands it.
	Decoded(r *Record)
	// Transformed: what a transform did, and the value before it.
	Transformed(w *Worker, t Transform, before map[string]any, r *Record, o Outcome)
	// Mapping: the record as the transforms left it; the worker has begun it. A
	// record may come twice, once for each pass.
	Mapping(w *Worker, r *Record)
	// Mapped: the items of one pass, before anybody decided who finds them.
	Mapped(r *Record, m Mapped)
	// Decided: who finds what comes of the record.
	Decided(r *Record, p access.Permissions)
	// Named: how others name a person or group that the session handed out, also
	// of a stream that this run does not write; see Encoded.Principal.
	Named(ref, principal string)
	// Staged: an item that would be sent, also of a stream of the session's own.
	Staged(stream string, e Encoded)
	// Ended: how the record, or one item of it when stream is set, ended; the
	// dead letter says why when it was rejected, and holds the reason alone when not.
	Ended(stream string, e Ending, why DeadLetter)
}

// Watching is the observer when it wants to know of a ref, nil otherwise.
func Watching(o Observer, ref string) Observer {
	if o == nil || !o.Wants(ref) {
		return nil
	}
	return o
}
