package schedule

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // time zones in images without them

	"github.com/robfig/cron/v3"

	"github.com/pipe-engine/pipe/engine/config"
)

// Schedule is the schedule block of a pipeline file; empty means never.
type Schedule []Entry

// Entry is one line of a schedule. A valid Entry fires again and again, forever.
type Entry struct {
	Cron     string          `yaml:"cron" required:"true" doc:"When a run begins, as five fields (minute, hour, day of the month, month, day of the week), or @hourly, @daily, @weekly or @monthly."`
	TimeZone string          `yaml:"time_zone" default:"UTC" doc:"The time zone of the fields, such as Europe/Berlin. A time that does not exist on the day that the clocks go forward is an hour later."`
	Jitter   config.Duration `yaml:"jitter" default:"0s" max:"6h" doc:"A run begins up to this much later: use it when many pipelines have the same times. The delay differs from one run to the next. It is shorter than the time between two runs of the line."`
	Full     bool            `yaml:"full" doc:"True publishes everything, whatever publish.mode is."`
}

var _ config.Validator = (*Entry)(nil)

// codeSchedule is the code of the problems below.
const codeSchedule = "schedule"

// parser reads five fields and the descriptors that name a time of the calendar.
var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Validate reports a line that is not valid, a line that never fires, and an unknown time zone.
func (e *Entry) Validate(report func(field, code, message, hint string)) {
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil || e.TimeZone == "Local" {
		report("time_zone", codeSchedule, "there is no time zone "+e.TimeZone,
			"write a name of the IANA database, such as Europe/Berlin, or UTC")
		zone = time.UTC
	}
	if strings.TrimSpace(e.Cron) == "" {
		return // the decoder reports a missing field
	}
	if strings.Contains(e.Cron, "TZ=") {
		report("cron", codeSchedule, "a time zone in the cron line is not read", "write it under time_zone")
		return
	}
	if strings.HasPrefix(strings.TrimSpace(e.Cron), "@every") {
		report("cron", codeSchedule, "@every counts from the start of the server, so a restart would move the runs",
			`write the times, such as "0 */4 * * *" for every four hours`)
		return
	}
	line, err := parser.Parse(e.Cron)
	if err != nil {
		report("cron", codeSchedule, "not a cron line: "+err.Error(),
			`write minute, hour, day of the month, month and day of the week: "30 2 * * *" is every night at 2:30`)
		return
	}
	if line.Next(reference.In(zone)).IsZero() {
		report("cron", codeSchedule, "this schedule never fires: no such day exists",
			"check the day of the month and the month")
		return
	}
	if jitter := e.Jitter.D(); jitter > 0 {
		if interval := shorter(line, reference, jitter); interval > 0 {
			report("jitter", codeSchedule, fmt.Sprintf("a jitter of %s is not shorter than the %s between two runs",
				e.Jitter, config.Duration(interval)), "make it shorter than that")
		}
	}
}

// reference is the time from which Validate looks for a next run. Within the five years that the
// parser looks ahead there is a 29 February.
var reference = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Next returns when the next run of a pipeline begins that deals with due times after a time; false
// when the schedule is empty. It is the earliest begin of all entries: the run deals with all due
// times before it, see Missed.
func (s Schedule) Next(pipeline string, after time.Time) (start time.Time, ok bool) {
	for _, e := range s {
		due := e.next(after)
		if due.IsZero() {
			continue
		}
		if at := e.start(pipeline, due); !ok || at.Before(start) {
			start, ok = at, true
		}
	}
	return start, ok
}

// Due is what one run deals with.
type Due struct {
	At   time.Time // the last due time
	Full bool      // publish everything
}

// Missed returns the due times after since and not after now as one run; false when there is none.
// The run publishes everything when one of them does.
func (s Schedule) Missed(since, now time.Time) (Due, bool) {
	var missed Due
	for _, e := range s {
		last := e.last(since, now)
		if last.IsZero() {
			continue
		}
		missed.Full = missed.Full || e.Full
		if last.After(missed.At) {
			missed.At = last
		}
	}
	return missed, !missed.At.IsZero()
}

// last returns the last due time after since and not after now. It looks through the last week
// first: a long time has many due times.
func (e Entry) last(since, now time.Time) (last time.Time) {
	if week := now.AddDate(0, 0, -7); since.Before(week) {
		if last = e.last(week, now); !last.IsZero() {
			return last
		}
	}
	for at := e.next(since); !at.IsZero() && !at.After(now); at = e.next(at) {
		last = at
	}
	return last
}

// next returns the next due time of an entry; zero for one that is not valid.
func (e Entry) next(after time.Time) time.Time {
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		return time.Time{}
	}
	line, err := parser.Parse(e.Cron)
	if err != nil {
		return time.Time{}
	}
	at := line.Next(after.In(zone))
	if skipped := nextSkipped(line, after.In(zone), at); !skipped.IsZero() {
		return skipped
	}
	return at
}

// nextSkipped returns a time before at that the line names, but that does not exist since the
// clocks go forward; zero when there is none. It looks at the times as a clock on a wall shows
// them.
func nextSkipped(line cron.Schedule, after, at time.Time) time.Time {
	wall := time.Date(after.Year(), after.Month(), after.Day(), after.Hour(), after.Minute(), after.Second(),
		after.Nanosecond(), time.UTC)
	named := line.Next(wall)
	if named.IsZero() {
		return time.Time{}
	}
	real := time.Date(named.Year(), named.Month(), named.Day(), named.Hour(), named.Minute(), 0, 0, after.Location())
	if real.Hour() == named.Hour() && real.Minute() == named.Minute() {
		return time.Time{}
	}
	if real.Hour() < named.Hour() { // time.Date may choose the time before the gap
		real = real.Add(time.Hour)
	}
	if !real.After(after) || !at.IsZero() && !real.Before(at) {
		return time.Time{}
	}
	return real
}
