package component

import "github.com/pipe-engine/pipe/engine/access"

// Observer receives the steps of records during a run. It changes nothing: `explain`, `eval`
// and `test` are dry runs with an Observer. The values that it receives belong to the run; it
// may keep them but must not modify them.
//
// Wants and the methods up to Decided are called from many goroutines. Staged and Ended are
// called from one goroutine at a time.
type Observer interface {
	// Wants reports whether the observer wants the steps of a record. It is called for every
	// record.
	Wants(ref string) bool
	// Decoded receives the record as the model decoded it.
	Decoded(r *Record)
	// Transformed receives the outcome of a transform and the value before it.
	Transformed(w *Worker, t Transform, before map[string]any, r *Record, o Outcome)
	// Mapping receives the record after the transforms; the worker has begun it. It is called
	// once for each pass.
	Mapping(w *Worker, r *Record)
	// Mapped receives the items of one pass, before permissions are decided.
	Mapped(r *Record, m Mapped)
	// Decided receives the permission decision of the record.
	Decided(r *Record, p access.Permissions)
	// Named receives the name by which items refer to a user or group that the session sealed,
	// also in a stream that this run does not write; see Encoded.Principal.
	Named(ref, principal string)
	// Staged receives an item that would be sent, also of a stream of the session's own.
	Staged(stream string, e Encoded)
	// Ended receives the ending of the record, or of one of its items when stream is set. why
	// is the dead letter of a rejection; otherwise only its Reason is set.
	Ended(stream string, e Ending, why DeadLetter)
}

// Watching returns the observer when it wants the steps of a ref, and nil otherwise.
func Watching(o Observer, ref string) Observer {
	if o == nil || !o.Wants(ref) {
		return nil
	}
	return o
}
