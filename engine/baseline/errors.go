package baseline

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/fault"
)

// Unusable returns the error for a state folder that cannot be used.
func Unusable(err error) error {
	return &fault.StateError{Err: fmt.Errorf("the state folder cannot be used: %w", err),
		Remedy: "name a folder that can be written with --state DIR"}
}

// Unreadable returns the error for a state folder with an unreadable file.
func Unreadable(err error) error {
	return &fault.StateError{Err: err,
		Remedy: "make the file readable for this user, or restore the state folder from a copy"}
}
