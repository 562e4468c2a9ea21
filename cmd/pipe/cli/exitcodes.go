package cli

import (
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/report"
)

// The exit codes that are no class of a job.
const (
	exitSignal = 128 // plus the number of the signal: 129 SIGHUP, 130 SIGINT, 131 SIGQUIT, 143 SIGTERM
)

// exit is an error that only carries an exit code: everything has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// usage is a call that is wrong.
type usage struct{ message, hint string }

var _ report.Coded = usage{}

func (u usage) Error() string { return u.message }

// Code is the error's code in JSON.
func (u usage) Code() string { return "usage" }

// Hint is what to do about it.
func (u usage) Hint() string {
	if u.hint == "" {
		return "see pipe help, or pipe COMMAND --help"
	}
	return u.hint
}

// code is the exit code of a call that ended with err.
func (a *app) code(err error) int { return a.codeOf(exitCode(err)) }

// codeOf is the exit code of a call that would end with another: a signal that stopped
// it and output that could not be written count.
func (a *app) codeOf(code int) int {
	if stopped := a.stoppedBy(); stopped != 0 {
		return stopped
	}
	switch job.Class(code) {
	case job.Done, job.Rejected, job.Changes:
		if a.unwritten() != nil {
			return int(job.Failed)
		}
	}
	return code
}

func exitCode(err error) int {
	var code exit
	if errors.As(err, &code) {
		return int(code)
	}
	class := job.ClassOf(err)
	if class == job.Failed && errors.As(err, new(usage)) {
		class = job.Wrong
	}
	return int(class)
}
