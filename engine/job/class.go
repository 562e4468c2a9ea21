package job

import (
	"errors"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
)

// Class is what a job came to, for scripts and schedulers. The numbers are exit codes
// of programs, and what records and metrics carry; they do not change.
type Class int

const (
	Done        Class = iota
	Failed            // worth another try
	Wrong             // the pipeline or the request is wrong
	Rejected          // done, some records rejected
	Refused           // by a guard: a person must look
	Changes           // a plan or a diff has changes
	Held              // another run holds what the sink writes to
	Unconfirmed       // delivered, but the sink has paused or not confirmed
)

// ClassOf returns the class of a job that ended with an error. Nil is Done.
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
	case errors.As(err, &problems) && problems.Transient():
		return Failed
	case problems != nil, errors.As(err, new(*fault.Invalid)), errors.As(err, new(*fault.StateError)):
		return Wrong
	}
	return Failed
}

// ClassOfRun is ClassOf for a run: it is Rejected when the run ended well and some of
// its records did not.
func ClassOfRun(r *run.Report, err error) Class {
	if err == nil && r != nil && r.Endings[component.Rejected] > 0 {
		return Rejected
	}
	return ClassOf(err)
}
