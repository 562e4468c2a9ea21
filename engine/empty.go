package engine

// EmptyRead is the refusal of a read that brought no record at all. A source
// returns it from Read when it can say more than that: a catalog that answers with
// nothing is never taken for an empty company (invariant 4).
func EmptyRead(reason, remedy string) *Refusal {
	return &Refusal{Guard: "empty read", Reason: reason, Remedy: remedy}
}
