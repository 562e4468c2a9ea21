package cli

import (
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// The exit codes, which scripts and schedulers rely on.
const (
	exitDone        = 0
	exitFailed      = 1 // worth another try
	exitWrong       = 2 // the pipeline or the call is wrong
	exitRejected    = 3 // done, some records rejected
	exitRefused     = 4 // by a guard: a person must look
	exitChanges     = 5 // a plan or a diff has changes
	exitHeld        = 6 // another run holds the datasource
	exitUnconfirmed = 7 // delivered, but the sink has paused or not confirmed

	exitSignal = 128 // plus the number of the signal: 129 SIGHUP, 130 SIGINT, 131 SIGQUIT, 143 SIGTERM
)

// exit is an error that only carries an exit code: everything has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// usage is a call that is wrong.
type usage struct{ message, hint string }

func (u usage) Error() string { return u.message }

// code is the exit code of a call that ended with err.
func (a *app) code(err error) int {
	if stopped := a.stoppedBy(); stopped != 0 {
		return int(stopped)
	}
	switch code := exitCode(err); code {
	case exitDone, exitRejected, exitChanges:
		if a.unwritten() != nil {
			return exitFailed
		}
		return code
	default:
		return code
	}
}

func exitCode(err error) int {
	var code exit
	var refused *fault.Refusal
	var unconfirmed *fault.Unconfirmed
	var problems config.Problems
	var u usage
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &refused):
		return exitRefused
	case errors.As(err, new(*fault.Held)):
		return exitHeld
	case errors.As(err, &unconfirmed):
		return exitUnconfirmed
	case errors.As(err, &problems), errors.As(err, &u), errors.As(err, new(*fault.StateError)):
		return exitWrong
	}
	return exitFailed
}
