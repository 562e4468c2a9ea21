package state

import (
	"errors"
	"fmt"
)

// ErrHeld means that another run holds the place.
var ErrHeld = errors.New("another run holds it")

// DamagedError reports a file that the store found to be changed by other means than this program.
type DamagedError struct {
	Path    string
	Problem string
}

// Error returns the file and what is wrong with it.
func (e *DamagedError) Error() string { return fmt.Sprintf("%s is damaged: %s", e.Path, e.Problem) }

// UnavailableError reports that a store does not answer. Another try may help.
type UnavailableError struct{ Err error }

// Error returns the cause.
func (e *UnavailableError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// LostError reports that the hold of a place was lost.
type LostError struct {
	Place string
	Err   error // why
}

// Error returns the place and the cause.
func (e *LostError) Error() string { return fmt.Sprintf("the hold of %s was lost: %v", e.Place, e.Err) }

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Err }
