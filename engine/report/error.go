package report

import (
	"errors"
	"slices"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Error is an error for programs: in a record, and in the output of a front end.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Table is what a guard refused, one line each.
	Table []string `json:"table,omitempty"`
	// Also is the refusal of another guard of the same run.
	Also *Error `json:"also,omitempty"`
	// Used reports that a run has already used an approval of this refusal.
	Used bool `json:"used,omitempty"`
	// ID is what an approval of the refused run names, and Changes what it allows.
	ID      string         `json:"id,omitempty"`
	Approve string         `json:"approve,omitempty"` // the command line that allows the run
	Changes []fault.Change `json:"changes,omitempty"`
}

// Coded is an error of a front end with its own code and hint.
type Coded interface {
	error
	Code() string
	Hint() string
}

// ErrorOf returns the description of an error.
func ErrorOf(err error) *Error {
	e := &Error{Code: CodeOf(err), Message: err.Error(), Hint: HintOf(err), Table: TableOf(err)}
	var refused *fault.Refusal
	if errors.As(err, &refused) {
		e.Used, e.ID = refused.Used, refused.ID
		if refused.Also != nil {
			e.Also = ErrorOf(refused.Also)
		}
	}
	return e
}

// refusedCode is the code of what a guard refused.
const refusedCode = "refused"

// Refused reports whether a guard refused the run.
func (e *Error) Refused() bool { return e.Code == refusedCode }

// CodeOf returns the code of an error: usage, pipeline, refused, unconfirmed, held, state,
// stopped, the class of a fault, or that of a Coded error.
func CodeOf(err error) string {
	var coded Coded
	switch {
	case errors.As(err, &coded):
		return coded.Code()
	case errors.As(err, new(*fault.Invalid)):
		return "usage"
	case errors.As(err, new(config.Problems)):
		return "pipeline"
	case errors.As(err, new(*fault.Refusal)):
		return refusedCode
	case errors.As(err, new(*fault.Unconfirmed)):
		return "unconfirmed"
	case errors.As(err, new(*fault.Held)):
		return "held"
	case errors.As(err, new(*fault.StateError)):
		return "state"
	case errors.Is(err, fault.ErrStopped):
		return "stopped"
	}
	return fault.ClassOf(err).String()
}

// HintOf returns what a person can do about an error; "" when nothing is known.
func HintOf(err error) string {
	var refused *fault.Refusal
	var unconfirmed *fault.Unconfirmed
	var held *fault.Held
	var folder *fault.StateError
	var invalid *fault.Invalid
	var coded Coded
	switch {
	case errors.As(err, &folder):
		return folder.Remedy
	case errors.As(err, &held):
		return held.Remedy
	case errors.As(err, &coded):
		return coded.Hint()
	case errors.As(err, &invalid):
		if invalid.Remedy == "" {
			return "see pipe help, or pipe COMMAND --help"
		}
		return invalid.Remedy
	case errors.As(err, &refused):
		return refused.Remedy
	case errors.As(err, &unconfirmed):
		return unconfirmed.Remedy
	}
	if remedy := fault.RemedyOf(err); remedy != "" || errors.Is(err, fault.ErrStopped) {
		return remedy
	}
	switch fault.ClassOf(err) {
	case fault.Transient:
		return "this may be temporary: run again; if it persists, check the server's log for this time"
	case fault.Throttled:
		return "the server is limiting requests: run again later, when it is less busy"
	}
	return ""
}

// TableOf returns what a guard refused, one line each; nil for other errors.
func TableOf(err error) []string {
	var refused *fault.Refusal
	if errors.As(err, &refused) {
		return slices.Concat(refused.Table, refused.Approvals)
	}
	return nil
}
