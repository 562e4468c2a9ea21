package activities

import (
	"errors"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/report"
)

// fill adds the result of a job to a report: IDs, counts and digests. result is nil when the job did
// not begin, and err is why a run ended that did not deliver everything.
func fill(out *workflows.Report, result *job.Result, err error) {
	class := job.ClassOf(err)
	if result != nil {
		class = result.Class
	}
	out.Result = map[job.Class]string{job.Done: workflows.ResultDone, job.Rejected: workflows.ResultRejected,
		job.Refused: workflows.ResultRefused, job.Held: workflows.ResultHeld,
		job.Unconfirmed: workflows.ResultUnconfirmed,
		job.Wrong:       workflows.ResultWrong}[class]
	if out.Result == "" || errors.As(err, new(*fault.Unsaved)) { // the sink cannot confirm what was not saved
		out.Result = workflows.ResultFailed
	}
	if err != nil {
		out.Code = report.CodeOf(err)
	}
	if held := new(fault.Held); errors.As(err, &held) {
		out.HeldUntil = held.Until
	}
	if refused := new(fault.Refusal); errors.As(err, &refused) {
		out.Refusal, out.Changes = refused.ID, len(refused.AllChanges())
		for ; refused != nil; refused = refused.Also {
			out.Guards = append(out.Guards, refused.Guard)
		}
		slices.Sort(out.Guards)
	}
	if result == nil || result.Report == nil {
		out.Began = time.Now().UTC()
		return
	}
	r := result.Report
	out.Began, out.Seconds = r.Started, r.Seconds.Total()
	out.Sent, out.Read = r.Sent, r.Read
	if r.Publish != nil {
		out.Mode = string(r.Publish.Mode)
	}
	out.Endings = map[string]int{}
	for ending, n := range r.Endings {
		if n > 0 {
			out.Endings[ending.String()] = n
		}
	}
	out.Streams = map[string]int{}
	for _, s := range r.Streams {
		if s.Written {
			out.Streams[s.Name] = s.Staged
		}
	}
	if r.Sent {
		out.Pending, out.Paused = len(r.Unconfirmed), len(r.Paused)
	}
}
