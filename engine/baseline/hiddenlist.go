package baseline

import (
	"errors"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// ChangeHidden updates the hidden list. It returns an error of change unchanged.
func ChangeHidden(store *Store, change func([]Hidden) ([]Hidden, error)) error {
	var own error
	err := store.UpdateHidden(func(all []Hidden) ([]Hidden, error) {
		var after []Hidden
		after, own = change(all)
		return after, own
	})
	if own != nil {
		return own
	}
	return listError(err)
}

// HiddenNow reads the hidden list. hosts are those of the pipeline's model; see HidingOf.
func HiddenNow(store *Store, hosts component.Hosts) (Hiding, error) {
	all, err := store.Hidden()
	return HidingOf(all, hosts), listError(err)
}

func listError(err error) error {
	if err == nil {
		return nil
	}
	const remedy = "restore the file from a copy, or remove it and hide the documents again"
	explained := state.Explain(err, &fault.StateError{Err: err, Remedy: remedy})
	if errors.As(err, new(*state.UnavailableError)) {
		return explained
	}
	return fault.Errorf(fault.Fatal, fault.RemedyOf(explained), "%w", explained)
}
