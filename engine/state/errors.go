package state

import (
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/fault"
)

// ErrHeld means that another run holds the place.
var ErrHeld = errors.New("another run holds it")

// DamagedError reports a file that the store found to be changed by other means than this program.
type DamagedError struct {
	Path    string
	Problem string
	// Remedy says what to do about damage in this store; "" for what is said about folders.
	Remedy string
}

// Error returns the file and what is wrong with it.
func (e *DamagedError) Error() string { return fmt.Sprintf("%s is damaged: %s", e.Path, e.Problem) }

// UnavailableError reports that a store does not answer. Another try may help.
type UnavailableError struct{ Err error }

// Error returns the cause.
func (e *UnavailableError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Explain returns the error of a store for people: the error itself when the store does not answer, or a
// *fault.StateError with the remedy of the store, and otherwise in, which is for folders.
func Explain(err error, in *fault.StateError) error {
	if errors.As(err, new(*UnavailableError)) {
		return err
	}
	if damaged := new(DamagedError); errors.As(err, &damaged) && damaged.Remedy != "" {
		return &fault.StateError{Err: err, Remedy: damaged.Remedy}
	}
	if remedy := fault.RemedyOf(err); remedy != "" {
		return &fault.StateError{Err: err, Remedy: remedy}
	}
	return in
}

// LostError reports that the hold of a place was lost.
type LostError struct {
	Place string
	Err   error // why
}

// Error returns the place and the cause.
func (e *LostError) Error() string { return fmt.Sprintf("the hold of %s was lost: %v", e.Place, e.Err) }

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Err }
