package run

import (
	"github.com/pipe-engine/pipe/engine/baseline"
)

// begin records, before the first page, that a run that found an empty place publishes. If the
// run is killed, its items are not taken for those of another owner.
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

// keep records that a baseline was written.
func (r *run) keep() error {
	if r.owner.Kept {
		return nil
	}
	r.owner.Kept = true
	return r.store.SetOwner(r.owner)
}
