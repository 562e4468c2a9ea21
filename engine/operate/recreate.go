package operate

import (
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/state"
)

// Unfilled returns a refusal to create a place that no longer exists when, by the state folder,
// an earlier run filled it.
func Unfilled(in state.Store, place string) error {
	store, err := baseline.Open(in, place)
	if err != nil {
		return baseline.Unusable(err)
	}
	base, err := store.Load()
	if err != nil {
		return baseline.Unreadable(err)
	}
	defer base.Close()
	owner, err := baseline.OwnerOf(store, base, false)
	if err != nil {
		return err
	}
	return guard.Recreate(base, owner)
}
