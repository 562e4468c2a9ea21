package fault

import (
	"errors"
	"fmt"
	"time"
)

// Class says what may be done about an error. The engine owns the policy that
// follows from it (see Retry); the connection applies that policy once per
// request and nothing above it retries.
type Class uint8

const (
	// Permanent: the same call will fail again. The zero value, so that an
	// error nobody classified is never retried.
	Permanent Class = iota
	// Transient: the same call may succeed when it is made again.
	Transient
	// Throttled: the other end asked for a pause; Error.Delay says how long.
	Throttled
	// Fatal: the run cannot go on (credentials, configuration); stop at once.
	Fatal
)

// String is the class's name in logs.
func (c Class) String() string {
	return [...]string{"permanent", "transient", "throttled", "fatal"}[c]
}

// Error is a failure with its class and the sentence that tells a person what
// to do about it. Wrap it with %w to say what was being done.
type Error struct {
	Class  Class
	Delay  time.Duration // how long to wait; only with Throttled, 0 means unknown
	Remedy string        // one sentence, "" when there is nothing useful to say
	Err    error
}

// Error is the text of the wrapped error; the remedy is read by RemedyOf.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a class with a remedy; %w works as in fmt.Errorf.
func Errorf(class Class, remedy, format string, args ...any) error {
	return &Error{Class: class, Remedy: remedy, Err: fmt.Errorf(format, args...)}
}

// ClassOf is the class of the outermost Error in err's chain, Permanent when
// there is none.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Permanent
}

// RemedyOf is the first remedy in err's chain, "" when there is none.
func RemedyOf(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Remedy != "" {
			return e.Remedy
		}
		err = e.Err
	}
	return ""
}

// StateError is a state folder, or a file in it, that cannot be used. A person must
// look at the call or at the folder; nothing was read or sent.
type StateError struct {
	Err    error
	Remedy string
}

// Error is the text of the wrapped error.
func (e *StateError) Error() string { return e.Err.Error() }

// Unwrap gives errors.Is and errors.As the cause.
func (e *StateError) Unwrap() error { return e.Err }

// Held is that another run holds what the sink writes to.
type Held struct {
	Holder string    // who, in a sentence's words
	Since  time.Time // zero when it is not known
	Until  time.Time // from when on another run may take over; zero when only its end counts
	Remedy string
}

// Error says who and since when.
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

// Rejection is why one record or item cannot be delivered. It ends that record
// alone; the run goes on. Reason never carries content of the record.
type Rejection struct {
	Stage  Stage
	Field  string // the field or rule it is about, "" when it is about the whole
	Reason string
}

// Error joins field and reason; the stage is shown by whoever prints it.
func (r *Rejection) Error() string {
	if r.Field == "" {
		return r.Reason
	}
	return r.Field + ": " + r.Reason
}

// Reject makes a Rejection.
func Reject(stage Stage, field, format string, args ...any) error {
	return &Rejection{Stage: stage, Field: field, Reason: fmt.Sprintf(format, args...)}
}

// ErrStopped is how a run ends that was asked to stop.
var ErrStopped = errors.New("stopped")

// Unconfirmed says that everything was acknowledged, but that the sink has
// paused a deletion, has lost an upload, or has not confirmed one in time.
type Unconfirmed struct {
	Reason string
	Remedy string
}

// Error is the reason.
func (u *Unconfirmed) Error() string { return u.Reason }

// Invalid is that a request cannot be done as it was made: an option, or a file that
// it names, is wrong. Nothing was read from the source or sent.
type Invalid struct {
	Reason string
	Remedy string
}

// Error is the reason.
func (e *Invalid) Error() string { return e.Reason }
