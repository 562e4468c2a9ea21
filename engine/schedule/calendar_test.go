package schedule_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/schedule"
)

// matches reports whether a time is one of a calendar.
func matches(c schedule.Calendar, at time.Time) bool {
	return slices.Contains(c.Minutes, at.Minute()) && slices.Contains(c.Hours, at.Hour()) &&
		slices.Contains(c.Days, at.Day()) && slices.Contains(c.Months, int(at.Month())) &&
		slices.Contains(c.Weekdays, int(at.Weekday()))
}

// TestCalendars: the times of the calendars are those of the line, minute by minute, in two months
// with a 29 February between them.
func TestCalendars(t *testing.T) {
	start := time.Date(2028, time.February, 1, 0, 0, 0, 0, time.UTC)
	for line, most := range map[string]int{
		"30 2 * * *": 1, "*/15 8-18 * * MON-FRI": 1, "0 0 1 * *": 1, "0 6 1,15 * MON": 2, "0 6 */2 * MON": 2,
		"0 6 1,15 * *": 1, "5 4 29 2 *": 1, "@hourly": 1, "@daily": 1, "@weekly": 1, "@monthly": 1,
		"0 12 ? * 0": 1, "1-59/7 0-23/5 * JAN-MAR 6": 1,
	} {
		e := schedule.Entry{Cron: line, TimeZone: "UTC"}
		calendars := e.Calendars()
		if len(calendars) != most {
			t.Errorf("%s: %d calendars, want %d", line, len(calendars), most)
		}
		var want, got []time.Time
		end := start.AddDate(0, 2, 0)
		for at := start.Add(-time.Minute); ; {
			next, ok := schedule.Schedule{e}.Next("", at)
			if !ok || !next.Before(end) {
				break
			}
			want, at = append(want, next), next
		}
		for at := start; at.Before(end); at = at.Add(time.Minute) {
			if slices.ContainsFunc(calendars, func(c schedule.Calendar) bool { return matches(c, at) }) {
				got = append(got, at)
			}
		}
		if !slices.EqualFunc(want, got, time.Time.Equal) || len(want) == 0 {
			t.Errorf("%s: %d times, want %d", line, len(got), len(want))
		}
	}
	if c := (schedule.Entry{Cron: "x"}).Calendars(); c != nil {
		t.Errorf("of a line that is not valid: %v", c)
	}
}
