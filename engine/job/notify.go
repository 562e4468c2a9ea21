package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/notify"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
)

// notify sends messages about a run that needs a person, to the receivers in the file. It
// returns a note for each failure. Dry runs, runs on the sandbox and runs that a signal stopped
// send nothing.
func (r *Result) notify(ctx context.Context, q Request) []string {
	if r.definition == nil || q.Open.Sandbox || q.Run.Until != run.Published || errors.Is(r.Err, fault.ErrStopped) {
		return nil
	}
	class := ClassOfRun(r.Report, r.Err)
	e := notify.Event{Pipeline: r.definition.File.Name, ExitCode: int(class), Err: r.Err, Report: r.Report}
	switch class {
	case Done:
	case Failed:
		e.Outcome = notify.Failed
	case Rejected:
		e.Outcome = notify.Rejected
	case Refused:
		e.Outcome = notify.Refused
	case Unconfirmed:
		e.Outcome = notify.Unconfirmed
	default: // the file or the command line is wrong, or another run is in progress
		return nil
	}
	if r.Err != nil {
		e.Code = report.CodeOf(r.Err)
	}
	if r.Report != nil {
		e.RunID = r.Report.RunID
	}
	store, err := q.Open.StateStore()
	if err != nil {
		store = nil
	}
	return notify.Send(ctx, r.definition.Notify, e, notify.Settings{
		State: store, Secrets: q.Open.Secrets,
		UserAgent: fmt.Sprintf("pipe/%s (%s)", cmp.Or(q.Open.Version, "dev"), r.definition.File.Name),
	})
}

// NotifyAlone sends messages about an approval by one person of a refusal that needs several. It
// returns a note for each failure.
func (f *File) NotifyAlone(ctx context.Context, a baseline.Approval) []string {
	store, err := f.o.StateStore()
	if err != nil {
		store = nil
	}
	name := f.Definition.File.Name
	e := notify.Event{Pipeline: name, Outcome: notify.ApprovedAlone,
		Approved: &notify.Approved{ID: a.ID, By: a.By, Reason: a.Reason}}
	return notify.Send(ctx, f.Definition.Notify, e, notify.Settings{State: store, Secrets: f.o.Secrets,
		UserAgent: fmt.Sprintf("pipe/%s (%s)", cmp.Or(f.o.Version, "dev"), name)})
}
