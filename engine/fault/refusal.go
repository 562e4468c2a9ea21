package fault

// Refusal is a guard's verdict: a person must look before anything is sent.
type Refusal struct {
	Guard  string // the key in the file, or a name for what cannot be set
	Reason string
	Table  []string // details, a line each
	Remedy string
	// ID is what an approval of the run names: the digest of the changes of this
	// refusal and of those in Also. It is empty where the run cannot be approved.
	ID string
	// Used reports that a run has used an approval of this ID: only another
	// pipe approve allows it.
	Used bool
	// Changes are what the guard counted.
	Changes []Change
	// Approvals are why the given approvals do not allow the run, a sentence each.
	Approvals []string
	// Also is what another guard refuses at the same time; nil when none does.
	Also *Refusal
}

// Error is the reason; the table and the remedy are printed below it.
func (r *Refusal) Error() string { return r.Guard + ": " + r.Reason }

// AllChanges are those of all guards of a refusal, sorted.
func (r *Refusal) AllChanges() []Change {
	var all []Change
	for ; r != nil; r = r.Also {
		all = append(all, r.Changes...)
	}
	return SortChanges(all)
}

// EmptyRead is the refusal of a read that brought no record at all. A source
// returns it from Read when it can say more than that: a catalog that answers with
// nothing is never taken for an empty company (invariant 4).
func EmptyRead(reason, remedy string) *Refusal {
	return &Refusal{Guard: "empty read", Reason: reason, Remedy: remedy}
}
