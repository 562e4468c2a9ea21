package baseline

import (
	"errors"
	"fmt"
	"time"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Refused returns a stored refusal of a place, and its approval if there is one.
func Refused(in state.Store, place, id string) (*Refusal, *Approval, error) {
	store, err := Open(in, place)
	if err != nil {
		return nil, nil, Unusable(err)
	}
	refused, err := store.Refusal(id)
	if err != nil {
		return nil, nil, notRefused(id, err)
	}
	approved, err := store.approved(id)
	return refused, approved, err
}

// Summarized is Refused without the changes. known is what it returned before; nil at first. See
// Store.Summary.
func Summarized(in state.Store, place, id string, known *Summary) (*Summary, *Approval, error) {
	store, err := Open(in, place)
	if err != nil {
		return nil, nil, Unusable(err)
	}
	refused, err := store.Summary(id, known)
	if err != nil {
		return nil, nil, notRefused(id, err)
	}
	approved, err := store.approved(id)
	return refused, approved, err
}

func notRefused(id string, err error) error {
	if errors.Is(err, ErrNotStored) {
		return fault.Errorf(fault.Fatal, "check the ID in the refused run's output; --state must name "+
			"the folder of that run; on another machine run once with --approve "+id, "refused run %s: %w", id, err)
	}
	return fault.Errorf(fault.Fatal, "run again and approve the ID that it prints", "%w", err)
}

// approved returns the approval of a refusal; nil when there is none.
func (s *Store) approved(id string) (*Approval, error) {
	a, err := s.Approval(id)
	if errors.Is(err, ErrNotStored) {
		return nil, nil
	}
	return a, err
}

// Approve allows one run within 24 hours whose guarded changes are among those of a stored
// refusal, and returns the refusal and the approval as it is stored. A valid approval of other
// people stays: the run asks whether they are enough. Several processes may approve at once.
func Approve(in state.Store, place string, a Approval) (*Refusal, *Approval, error) {
	store, unlock, err := openApprovals(in, place)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	refused, before, err := Refused(in, place, a.ID)
	if err != nil {
		return nil, nil, err
	}
	if before != nil && !refused.At.After(before.UsedAt) {
		return nil, nil,
			fault.Errorf(fault.Fatal, "run again; if it is refused, approve the ID that it prints",
				"approval %s was used by run %s on %s; no run was refused for these changes since then",
				a.ID, before.UsedBy,
				display.Time(before.UsedAt))
	}
	a.UsedBy, a.UsedAt = "", time.Time{}
	a = a.After(before)
	return refused, &a, store.Approve(a)
}

// Withdraw removes people from the approval of a refusal that is not used, as Approval.Without does,
// and returns what is left and their names. Without an approval it does nothing. drop may be called
// for an approval that is then not changed.
func Withdraw(in state.Store, place, id string, drop func(Approver) bool) (left *Approval, dropped []string,
	err error) {
	store, unlock, err := openApprovals(in, place)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	a, err := store.approved(id)
	if err != nil || a == nil || a.UsedBy != "" {
		return a, nil, err
	}
	left, dropped = a.Without(drop)
	switch {
	case len(dropped) == 0:
		return left, nil, nil
	case left == nil:
		err = store.files.Remove(".approval-" + id)
	default:
		err = store.Approve(*left)
	}
	return left, dropped, err
}

// Unused returns the IDs of the approvals of a place that a run may use at a time. One that cannot
// be read allows nothing.
func Unused(in state.Store, place string, now time.Time) ([]string, error) {
	store, err := Open(in, place)
	if err != nil {
		return nil, Unusable(err)
	}
	var out []string
	for _, id := range store.Approvals() {
		if a, err := store.Approval(id); err == nil && a.UsedBy == "" && now.Before(a.Until()) {
			out = append(out, id)
		}
	}
	return out, nil
}

// useWait is how long a run waits for people who approve, which takes milliseconds.
const useWait = time.Minute

// Use marks an approval as used: of caller it takes the ID, UsedBy and UsedAt. When the caller approved
// it, too, or it is not stored, By and At of caller are added to the people. Others may approve at once:
// one who is later finds it used.
func (s *Store) Use(caller Approval, approved bool) error {
	locked, unlock, err := s.lockApprovals(useWait)
	if err != nil {
		return fmt.Errorf("mark approval %s as used: %w", caller.ID, err)
	}
	defer unlock()
	before, err := locked.approved(caller.ID)
	if err != nil {
		return fmt.Errorf("mark approval %s as used: %w", caller.ID, err)
	}
	a := caller.After(before)
	if before != nil && !approved {
		a = *before
	}
	a.UsedBy, a.UsedAt = caller.UsedBy, caller.UsedAt
	return locked.Approve(a)
}

// openApprovals opens the store of a place, and makes this process the only one that changes its
// approvals until unlock is called.
func openApprovals(in state.Store, place string) (store *Store, unlock func() error, err error) {
	if store, err = Open(in, place); err != nil {
		return nil, nil, Unusable(err)
	}
	if store, unlock, err = store.lockApprovals(0); err != nil {
		return nil, nil, Unusable(err)
	}
	return store, unlock, nil
}

// lockApprovals makes this process the only one that changes approvals, with the store that it returns.
// It waits for others as state.Files.Lock does.
func (s *Store) lockApprovals(wait time.Duration) (locked *Store, unlock func() error, err error) {
	files, unlock, err := s.files.Lock(".approving", wait)
	if err != nil {
		return nil, nil, err
	}
	return &Store{files: files, place: s.place}, unlock, nil
}
