package job

import (
	"errors"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
)

// Class is the outcome of a job, for scripts and schedulers. The numbers are the exit codes of
// programs and the values in records and metrics; they do not change.
type Class int

const (
	Done        Class = iota
	Failed            // worth a retry
	Wrong             // the pipeline or the request is wrong
	Rejected          // done, but some records were rejected
	Refused           // by a guard: needs a review
	Changes           // a plan or a diff has changes
	Held              // another run holds the sink's place
	Unconfirmed       // delivered, but the sink has paused a deletion or not confirmed an upload
)

// ClassOf returns the class of a job with an error; Done for nil.
func ClassOf(err error) Class {
	var problems config.Problems
	switch {
	case err == nil:
		return Done
	case errors.As(err, new(*fault.Refusal)):
		return Refused
	case errors.As(err, new(*fault.Held)):
		return Held
	case errors.As(err, new(*fault.Unconfirmed)):
		return Unconfirmed
	case errors.As(err, new(*state.UnavailableError)):
		return Failed
	case errors.As(err, new(*state.DamagedError)): // as a damaged baseline in a folder
		return Refused
	case errors.As(err, &problems) && problems.Transient():
		return Failed
	case problems != nil, errors.As(err, new(*fault.Invalid)), errors.As(err, new(*fault.StateError)):
		return Wrong
	}
	return Failed
}

// ClassOfRun is ClassOf for a run: it returns Rejected when the run succeeded but rejected some
// records.
func ClassOfRun(r *run.Report, err error) Class {
	if err == nil && r != nil && r.Endings[component.Rejected] > 0 {
		return Rejected
	}
	return ClassOf(err)
}
