package fault

// Refusal is the verdict of a guard: a person must review the run before anything is sent.
type Refusal struct {
	Guard  string // the key in the pipeline file, or a name for a guard that has no key
	Reason string
	Table  []string // details, one line each
	Remedy string
	// ID is what an approval of the run names: the digest of the changes of this refusal and of
	// those in Also. It is empty when the run cannot be approved.
	ID string
	// Used reports that a run has already used an approval with this ID; only another pipe
	// approve allows the run.
	Used bool
	// Changes are what the guard counted.
	Changes []Change
	// Approvals are the reasons why the given approvals do not allow the run, one sentence
	// each.
	Approvals []string
	// Also is the refusal of another guard of the same run; nil when there is none.
	Also *Refusal
}

// Error returns the guard and the reason. Callers print the table and the remedy below it.
func (r *Refusal) Error() string { return r.Guard + ": " + r.Reason }

// AllChanges returns the changes of this refusal and those in Also, sorted.
func (r *Refusal) AllChanges() []Change {
	var all []Change
	for ; r != nil; r = r.Also {
		all = append(all, r.Changes...)
	}
	return SortChanges(all)
}

// EmptyRead returns the refusal of a read that returned no record. A source returns it from
// Read when it can give a reason: an empty response is never taken for an empty catalog
// (invariant 4).
func EmptyRead(reason, remedy string) *Refusal {
	return &Refusal{Guard: "empty read", Reason: reason, Remedy: remedy}
}
