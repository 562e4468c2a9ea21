package run

import (
	"github.com/pipe-engine/pipe/engine/baseline"
)

// begin notes, before the first page, that a run which found no items publishes:
// when it is killed, what it left is not taken for another's.
func (r *run) begin() error {
	if r.store == nil || r.covered() || r.holds() != "" || r.owner.Begun {
		return nil
	}
	r.owner.Begun = true
	if err := r.store.SetOwner(r.owner); err != nil {
		return baseline.Unusable(err)
	}
	return nil
}

// keep notes that a baseline was written.
func (r *run) keep() error {
	if r.owner.Kept {
		return nil
	}
	r.owner.Kept = true
	return r.store.SetOwner(r.owner)
}
