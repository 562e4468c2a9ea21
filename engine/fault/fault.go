package fault

import (
	"errors"
	"fmt"
	"time"
)

// Class says what may be done about an error. The engine owns the retry policy that follows
// from it (see Retry). The connection applies that policy once per request, and nothing above
// it retries.
type Class uint8

const (
	// Permanent: the same call will fail again. It is the zero value, which means that an
	// unclassified error is never retried.
	Permanent Class = iota
	// Transient: the same call may succeed when it is repeated.
	Transient
	// Throttled: the other end asked for a pause; Error.Delay says how long.
	Throttled
	// Fatal: the run cannot go on (credentials, configuration); stop at once.
	Fatal
)

// String returns the name of the class in logs.
func (c Class) String() string {
	return [...]string{"permanent", "transient", "throttled", "fatal"}[c]
}

// Error is a failure with its class and a remedy for the user. Wrap it with %w to say what was
// being done.
type Error struct {
	Class  Class
	Delay  time.Duration // how long to wait; only with Throttled, 0 means unknown
	Remedy string        // one sentence; "" when there is nothing useful to say
	Err    error
}

// Error returns the message of the cause. RemedyOf returns the remedy.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error with a class and a remedy; %w works as in fmt.Errorf.
func Errorf(class Class, remedy, format string, args ...any) error {
	return &Error{Class: class, Remedy: remedy, Err: fmt.Errorf(format, args...)}
}

// ClassOf returns the class of the outermost Error in err's chain; Permanent when there is
// none.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Permanent
}

// RemedyOf returns the first remedy of an Error or a StateError in err's chain; "" when there is
// none.
func RemedyOf(err error) string {
	for err != nil {
		switch e := err.(type) {
		case *Error:
			if e.Remedy != "" {
				return e.Remedy
			}
		case *StateError:
			if e.Remedy != "" {
				return e.Remedy
			}
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				if remedy := RemedyOf(one); remedy != "" {
					return remedy
				}
			}
			return ""
		default:
			return ""
		}
	}
	return ""
}

// StateError reports that a state folder or a file in it cannot be used. Nothing was read or
// sent; the user must check the command line or the folder.
type StateError struct {
	Err    error
	Remedy string
}

// Error returns the message of the cause.
func (e *StateError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StateError) Unwrap() error { return e.Err }

// Held reports that another run holds the sink's place.
type Held struct {
	Holder string    // in words for a sentence
	Since  time.Time // zero when it is not known
	Until  time.Time // when another run may take over; zero when only the end of the holder counts
	Remedy string
}

// Error returns the holder and since when it holds the place.
func (h *Held) Error() string {
	text := "another run holds the sink: " + h.Holder
	if !h.Since.IsZero() {
		text += ", since " + h.Since.Local().Format("2006-01-02 15:04:05")
	}
	return text
}

// Stage is a step of a run at which a record or an item is rejected.
type Stage string

// The stages, in the order of a run.
const (
	StageRead        Stage = "read"
	StageTransform   Stage = "transform"
	StageMapping     Stage = "mapping"
	StagePermissions Stage = "permissions"
	StageEncode      Stage = "encode"
	StagePublish     Stage = "publish"
)

// Rejection is why one record or item cannot be delivered. It rejects only that record; the run
// goes on. Reason never contains content of the record.
type Rejection struct {
	Stage  Stage
	Field  string // the field or rule; "" when it concerns the whole record
	Reason string
}

// Error returns the field and the reason. Callers that print it add the stage.
func (r *Rejection) Error() string {
	if r.Field == "" {
		return r.Reason
	}
	return r.Field + ": " + r.Reason
}

// Reject returns a Rejection.
func Reject(stage Stage, field, format string, args ...any) error {
	return &Rejection{Stage: stage, Field: field, Reason: fmt.Sprintf(format, args...)}
}

// ErrStopped is the error of a run that was asked to stop.
var ErrStopped = errors.New("stopped")

// Unconfirmed reports that the sink acknowledged everything but has paused a deletion, lost an
// upload, or not confirmed an upload in time.
type Unconfirmed struct {
	Reason string
	Remedy string
}

// Error returns the reason.
func (u *Unconfirmed) Error() string { return u.Reason }

// Unsaved reports that everything was delivered, but that the run could not save its state, so the next
// run compares with the run before it. Another run repairs that, and asking the sink does not. It is an
// *Unconfirmed for errors.As, too.
type Unsaved struct{ Unconfirmed }

// Unwrap returns the *Unconfirmed.
func (u *Unsaved) Unwrap() error { return &u.Unconfirmed }

// Invalid reports that a request is wrong: an option, or a file that it names. Nothing was read
// from the source or sent.
type Invalid struct {
	Reason string
	Remedy string
}

// Error returns the reason.
func (e *Invalid) Error() string { return e.Reason }
