package schedules

import (
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/pipe-engine/pipe/engine/fleet/folder"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/schedule"
)

// memoFleet is the key of the memo that marks the schedules of a fleet.
const memoFleet = "pipe-fleet"

// catchup is how late a run may begin when Temporal was not available. Of the times that were missed
// at most two runs begin, since starts do not pile up; see overlap.
const catchup = 24 * time.Hour

const overlap = enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE

// Pipeline is a pipeline of a fleet with what its file says.
type Pipeline struct {
	folder.Pipeline
	Schedule schedule.Schedule
	SHA256   string
}

// Wanted is a schedule that the fleet has.
type Wanted struct {
	ID       string
	Pipeline string
	Entry    schedule.Entry
	Queue    string
	Input    workflows.StartInput
}

// Prefix returns what the IDs of the schedules of a fleet begin with.
func Prefix(fleet string) string { return "pipe/" + fleet + "/" }

// PrefixOf returns what the IDs of the schedules of a pipeline begin with.
func PrefixOf(fleet, pipeline string) string { return Prefix(fleet) + pipeline + "/" }

// pipelineOf returns the pipeline of the ID of a schedule.
func pipelineOf(fleet, id string) string {
	rest := strings.TrimPrefix(id, Prefix(fleet))
	return rest[:max(0, strings.LastIndex(rest, "/"))]
}

// JobOf returns what runs for a pipeline of a fleet.
func JobOf(f *folder.Fleet, p folder.Pipeline, sha string, attributes bool) workflows.Job {
	j := workflows.Job{Fleet: f.Name, Pipeline: p.Name, Team: p.Team, Region: p.Region, Attributes: attributes,
		Limits: workflows.Limits{Run: f.Limits.Run.D(), Heartbeat: f.Limits.Heartbeat.D(), Retry: f.Limits.Retry.D(),
			Held: f.Limits.Held.D(), Confirm: f.Limits.Confirm.D()}}
	if p.Pin {
		j.SHA256 = sha
	}
	return j
}

// WantedOf returns the schedules of a fleet, one for each line of each schedule: block.
func WantedOf(f *folder.Fleet, all []Pipeline, attributes bool) []Wanted {
	var out []Wanted
	for _, p := range all {
		for i, e := range p.Schedule {
			out = append(out, Wanted{ID: fmt.Sprintf("%s%d", PrefixOf(f.Name, p.Name), i+1), Pipeline: p.Name, Entry: e,
				Queue: p.TaskQueue,
				Input: workflows.StartInput{Job: JobOf(f, p.Pipeline, p.SHA256, attributes),
					Request: workflows.Request{How: workflows.BySchedule, Full: e.Full}}})
		}
	}
	return out
}

// StartID returns what the IDs of the workflows Start of a pipeline begin with.
func StartID(fleet, pipeline string) string { return "pipe-start/" + fleet + "/" + pipeline }

// spec returns when the schedule fires.
func (w Wanted) spec() client.ScheduleSpec {
	out := client.ScheduleSpec{TimeZoneName: w.Entry.TimeZone, Jitter: w.Entry.Jitter.D()}
	for _, c := range w.Entry.Calendars() {
		out.Calendars = append(out.Calendars, client.ScheduleCalendarSpec{
			Second: []client.ScheduleRange{{}}, Minute: ranges(c.Minutes), Hour: ranges(c.Hours),
			DayOfMonth: ranges(c.Days), Month: ranges(c.Months), DayOfWeek: ranges(c.Weekdays),
			Comment: w.Entry.Cron,
		})
	}
	return out
}

// action returns what the schedule starts.
func (w Wanted) action() *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID: StartID(w.Input.Job.Fleet, w.Pipeline), Workflow: workflows.TypeStart, Args: []any{w.Input},
		TaskQueue: w.Queue,
	}
}

// policy returns what happens when a start is late.
func (w Wanted) policy() *client.SchedulePolicies {
	return &client.SchedulePolicies{Overlap: overlap, CatchupWindow: catchup}
}

// ranges returns values in their order as ranges.
func ranges(values []int) (out []client.ScheduleRange) {
	for i, v := range values {
		if i > 0 && values[i-1] == v-1 {
			out[len(out)-1].End = v
			continue
		}
		out = append(out, client.ScheduleRange{Start: v, End: v, Step: 1})
	}
	return out
}

// values returns the values of ranges, as a mask.
func values(all []client.ScheduleRange) (mask uint64) {
	for _, r := range all {
		for v := r.Start; v <= max(r.Start, r.End) && v < 64; v += max(1, r.Step) {
			mask |= 1 << v
		}
	}
	return mask
}
