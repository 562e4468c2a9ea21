package schedules

import (
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/pipe-engine/pipe/engine/fleet/payload"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
)

// partKey is the part of a schedule that differs when it is encrypted with an earlier key.
const partKey = "payload_key"

// differences returns which parts of a schedule in Temporal are not as wanted, in words; none when it
// is the same. Whether it is paused is not a part of it.
func (w Wanted) differences(d *client.ScheduleDescription, keys *payload.Keys) []string {
	var out []string
	add := func(same bool, what string) {
		if !same {
			out = append(out, what)
		}
	}
	want, has := w.spec(), d.Schedule.Spec
	if has == nil {
		has = &client.ScheduleSpec{}
	}
	add(sameCalendars(want.Calendars, has.Calendars) &&
		len(has.Intervals)+len(has.Skip)+len(has.CronExpressions) == 0 &&
		has.StartAt.IsZero() && has.EndAt.IsZero(), "cron")
	add(sameZone(want.TimeZoneName, has.TimeZoneName), "time_zone")
	add(want.Jitter == has.Jitter, "jitter")
	action, is := d.Schedule.Action.(*client.ScheduleWorkflowAction)
	if !is {
		return append(out, "action")
	}
	add(action.Workflow == workflows.TypeStart && action.ID == w.action().ID, "action")
	add(action.TaskQueue == w.Queue, "task_queue")
	add(keys.Current(d.Memo.GetFields()[memoFleet]) && currentArgs(action, keys) &&
		(d.Schedule.State == nil || keys.Reseal(d.Schedule.State.Note) == d.Schedule.State.Note), partKey)
	in, err := inputOf(action, payload.DataConverter(keys))
	switch {
	case err != nil:
		out = append(out, "input")
	default:
		add(in.Request.Full == w.Input.Request.Full, "full")
		add(in.Job.SHA256 == w.Input.Job.SHA256, "pin")
		in.Job.SHA256, in.Request.Full = w.Input.Job.SHA256, w.Input.Request.Full
		add(in == w.Input, "settings")
	}
	policy := d.Schedule.Policy
	add(policy != nil && policy.Overlap == overlap && policy.CatchupWindow == catchup && !policy.PauseOnFailure,
		"policy")
	return out
}

func sameZone(a, b string) bool {
	utc := []string{"", "UTC", "Etc/UTC"}
	return a == b || slices.Contains(utc, a) && slices.Contains(utc, b)
}

// sameCalendars compares the values of calendars, whatever their ranges are.
func sameCalendars(a, b []client.ScheduleCalendarSpec) bool {
	return slices.EqualFunc(a, b, func(a, b client.ScheduleCalendarSpec) bool {
		second := func(c client.ScheduleCalendarSpec) bool { return len(c.Second) == 0 || values(c.Second) == 1 }
		return second(a) && second(b) && len(b.Year) == 0 && values(a.Minute) == values(b.Minute) &&
			values(a.Hour) == values(b.Hour) && values(a.DayOfMonth) == values(b.DayOfMonth) &&
			values(a.Month) == values(b.Month) && values(a.DayOfWeek) == values(b.DayOfWeek)
	})
}

// currentArgs reports whether what a schedule starts workflows with is encrypted with the current key.
func currentArgs(action *client.ScheduleWorkflowAction, keys *payload.Keys) bool {
	return !slices.ContainsFunc(action.Args, func(arg any) bool {
		p, is := arg.(*commonpb.Payload)
		return is && !keys.Current(p)
	})
}

// inputOf returns the input that a schedule starts workflows with.
func inputOf(action *client.ScheduleWorkflowAction, c converter.DataConverter) (in workflows.StartInput, err error) {
	for _, arg := range action.Args {
		p, is := arg.(*commonpb.Payload)
		if !is {
			continue
		}
		return in, c.FromPayload(p, &in)
	}
	return in, errNoInput
}

// fleetOf returns the fleet that a memo names; "" when it names none that this program can read.
func fleetOf(memo *commonpb.Memo, c converter.DataConverter) (fleet string) {
	p := memo.GetFields()[memoFleet]
	if p == nil || c.FromPayload(p, &fleet) != nil {
		return ""
	}
	return fleet
}
