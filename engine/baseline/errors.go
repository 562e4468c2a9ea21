package baseline

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Unusable returns the error for state that cannot be used.
func Unusable(err error) error {
	return state.Explain(err, &fault.StateError{Err: fmt.Errorf("the state folder cannot be used: %w", err),
		Remedy: "name a folder that can be written with --state DIR"})
}

// Unreadable returns the error for state with an unreadable file.
func Unreadable(err error) error {
	return state.Explain(err, &fault.StateError{Err: err,
		Remedy: "make the file readable for this user, or restore the state folder from a copy"})
}
