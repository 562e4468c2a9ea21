package fleet

import (
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
)

// ClassOf returns the class of a report, for exit codes.
func ClassOf(r *workflows.Report) job.Class {
	switch r.Result {
	case workflows.ResultDone, workflows.ResultNothing:
		return job.Done
	case workflows.ResultRejected:
		return job.Rejected
	case workflows.ResultRefused:
		return job.Refused
	case workflows.ResultUnconfirmed:
		return job.Unconfirmed
	case workflows.ResultHeld:
		return job.Held
	case workflows.ResultWrong:
		return job.Wrong
	}
	return job.Failed
}
