package fleet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/pipe-engine/pipe/engine/fleet/activities"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
	"github.com/pipe-engine/pipe/engine/fleet/schedules"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
)

// Status is what a pipeline of a fleet does.
type Status struct {
	Pipeline string `json:"pipeline"`
	Team     string `json:"team,omitempty"`
	Region   string `json:"region,omitempty"`
	Queue    string `json:"task_queue"`
	// Next is when its schedules begin the next run; zero when none is there or all are paused.
	Next time.Time `json:"next,omitzero"`
	// Paused is why its schedules are paused; PausedAll reports that none of them runs.
	Paused    string `json:"paused,omitempty"`
	PausedAll bool   `json:"paused_all,omitempty"`

	Workflow string `json:"workflow,omitempty"` // the ID; "" when it never ran
	// State is running, completed, failed, cancelled or terminated; "" when it never ran.
	State   string    `json:"state,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// Attempt and Beat are those of the run that goes on; Progress is what its workflow waits for,
	// nil when no worker answered.
	Attempt  int32               `json:"attempt,omitempty"`
	Beat     *workflows.Beat     `json:"beat,omitempty"`
	Progress *workflows.Progress `json:"progress,omitempty"`
	// Report is the result of the last run that ended; nil when it is not known.
	Report *workflows.Report `json:"report,omitempty"`
	// Failure is the type of the error of a failed run, or of the last attempt of one that goes on.
	Failure string `json:"failure,omitempty"`
}

// mostListed is how many workflows are looked through for the last one of each pipeline.
const mostListed = 5000

// Status returns the status of pipelines; of all when it gets no name. With query it also asks the
// workers what running workflows wait for.
func (o *Operation) Status(ctx context.Context, query bool, names ...string) ([]Status, error) {
	var out []Status
	for _, p := range o.Fleet.Pipelines {
		if len(names) == 0 || slices.Contains(names, p.Name) {
			out = append(out, Status{Pipeline: p.Name, Team: p.Team, Region: p.Region, Queue: p.TaskQueue})
		}
	}
	for _, name := range names {
		if _, err := o.Fleet.Find(name); err != nil {
			return nil, err
		}
	}
	if err := o.schedulesOf(ctx, out); err != nil {
		return nil, err
	}
	last, err := o.lastWorkflows(ctx, out)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if info := last[out[i].Pipeline]; info != nil {
			o.describe(ctx, &out[i], info, query)
		}
	}
	return out, nil
}

// schedulesOf adds when the pipelines run next.
func (o *Operation) schedulesOf(ctx context.Context, all []Status) error {
	ids, err := o.svc.Of(ctx, o.Fleet.Name)
	if err != nil {
		return err
	}
	for i := range all {
		s, running := &all[i], false
		for _, id := range ids {
			if !strings.HasPrefix(id, schedules.PrefixOf(o.Fleet.Name, s.Pipeline)) {
				continue
			}
			d, err := o.c.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
			if err != nil {
				return schedules.Failed("describe the schedule "+id, err)
			}
			if d.Schedule.State.Paused {
				s.PausedAll = true
				if s.Paused = "the schedule was paused by other means"; d.Schedule.State.Note != "" {
					if text, own := o.w.Keys.Open(d.Schedule.State.Note); own {
						s.Paused = text
					}
				}
				continue
			}
			running = true
			if times := d.Info.NextActionTimes; len(times) > 0 && (s.Next.IsZero() || times[0].Before(s.Next)) {
				s.Next = times[0]
			}
		}
		s.PausedAll = s.PausedAll && !running
	}
	return nil
}

// lastWorkflows returns the last workflow Pipeline of each pipeline.
func (o *Operation) lastWorkflows(ctx context.Context, all []Status) (map[string]*workflowpb.WorkflowExecutionInfo,
	error) {
	out := map[string]*workflowpb.WorkflowExecutionInfo{}
	request := &workflowservice.ListWorkflowExecutionsRequest{Namespace: o.w.Temporal.Namespace,
		Query: `WorkflowType = "` + workflows.TypePipeline + `"`, PageSize: 200}
	for n := 0; n < mostListed && len(out) < len(all); {
		page, err := o.c.ListWorkflow(ctx, request)
		if err != nil {
			return nil, schedules.Failed("list the workflows", err)
		}
		for _, info := range page.GetExecutions() {
			n++
			name := o.pipelineOf(info.GetMemo())
			known := out[name]
			if name == "" || known != nil && !info.GetStartTime().AsTime().After(known.GetStartTime().AsTime()) {
				continue
			}
			for _, s := range all {
				if s.Pipeline == name {
					out[name] = info
				}
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			break
		}
	}
	return out, nil
}

// pipelineOf returns the pipeline of this fleet that a workflow's memo names; "" for another.
func (o *Operation) pipelineOf(memo *commonpb.Memo) string {
	c := payload.DataConverter(o.w.Keys)
	var about activities.Memo
	p := memo.GetFields()[activities.MemoKey]
	if p == nil || c.FromPayload(p, &about) != nil || about.Fleet != o.Fleet.Name {
		return ""
	}
	return about.Pipeline
}

// describe adds what a workflow does, or how it ended.
func (o *Operation) describe(ctx context.Context, s *Status, info *workflowpb.WorkflowExecutionInfo, query bool) {
	id, run := info.GetExecution().GetWorkflowId(), info.GetExecution().GetRunId()
	s.Workflow, s.Started = id, info.GetStartTime().AsTime()
	s.State = stateOf(info.GetStatus())
	if info.GetCloseTime() != nil {
		s.Ended = info.GetCloseTime().AsTime()
		o.result(ctx, s, id, run)
		return
	}
	if answer, err := o.c.DescribeWorkflow(ctx, id, ""); err == nil {
		d := answer.RawResponse
		s.State = stateOf(d.GetWorkflowExecutionInfo().GetStatus())
		for _, a := range d.GetPendingActivities() {
			if a.GetActivityType().GetName() != workflows.ActivityRun {
				continue
			}
			s.Attempt = a.GetAttempt()
			if f := a.GetLastFailure(); f != nil {
				s.Failure = f.GetApplicationFailureInfo().GetType()
				if s.Failure == "" {
					s.Failure = "no heartbeat, or its time was up"
				}
			}
			var beat workflows.Beat
			details := a.GetHeartbeatDetails().GetPayloads()
			if len(details) > 0 && payload.DataConverter(o.w.Keys).FromPayload(details[0], &beat) == nil {
				s.Beat = &beat
			}
		}
	}
	if !query {
		return
	}
	ask := func(name string, into any) bool {
		ctx, cancel := context.WithTimeout(ctx, callFor)
		defer cancel()
		answer, err := o.c.QueryWorkflow(ctx, id, "", name)
		return err == nil && answer.HasValue() && answer.Get(into) == nil
	}
	var progress workflows.Progress
	if ask(workflows.QueryProgress, &progress) {
		s.Progress = &progress
	}
	var report *workflows.Report
	if ask(workflows.QueryReport, &report) {
		s.Report = report
	}
}

// result adds the report of a workflow that has ended.
func (o *Operation) result(ctx context.Context, s *Status, id, run string) {
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	var report workflows.Report
	err := o.c.GetWorkflow(ctx, id, run).Get(ctx, &report)
	app := new(temporal.ApplicationError)
	switch {
	case err == nil:
		s.Report = &report
	case errors.As(err, &app):
		s.Failure = app.Type()
		if app.HasDetails() && app.Details(&report) == nil {
			s.Report = &report
		}
	case temporal.IsCanceledError(err):
		s.Failure = workflows.ResultCancelled
	}
}

func stateOf(s enumspb.WorkflowExecutionStatus) string {
	switch s {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return "running"
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return "completed"
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return "cancelled"
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "terminated"
	}
	return "failed"
}
