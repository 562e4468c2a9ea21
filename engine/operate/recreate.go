package operate

import (
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/guard"
)

// Unfilled refuses to set a place up as new that an earlier run filled, as far as
// the state folder says.
func Unfilled(dir, place string) error {
	store, err := baseline.Open(dir, place)
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
