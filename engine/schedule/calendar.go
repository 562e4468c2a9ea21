package schedule

import "github.com/robfig/cron/v3"

// Calendar is a set of times: those at which each field has one of its values, at second 0. Weekdays
// begin with 0 for Sunday.
type Calendar struct{ Minutes, Hours, Days, Months, Weekdays []int }

// Calendars returns the times of a valid entry as calendars; its times are those of any of them. A
// line that names days of the month and days of the week means either, and needs two.
func (e Entry) Calendars() []Calendar {
	line, err := parser.Parse(e.Cron)
	spec, is := line.(*cron.SpecSchedule)
	if err != nil || !is {
		return nil
	}
	days, weekdays := spec.Dom, spec.Dow
	every := uint64(1 << 63) // the parser's mark of a field that begins with a star
	c := Calendar{valuesOf(spec.Minute, 0, 59), valuesOf(spec.Hour, 0, 23), valuesOf(days, 1, 31),
		valuesOf(spec.Month, 1, 12), valuesOf(weekdays, 0, 6)}
	if days&every != 0 || weekdays&every != 0 {
		return []Calendar{c}
	}
	byDay, byWeekday := c, c
	byDay.Weekdays, byWeekday.Days = valuesOf(^uint64(0), 0, 6), valuesOf(^uint64(0), 1, 31)
	return []Calendar{byDay, byWeekday}
}

// valuesOf returns the values of a field, as its bits.
func valuesOf(bits uint64, first, last int) (out []int) {
	for v := first; v <= last; v++ {
		if bits&(1<<v) != 0 {
			out = append(out, v)
		}
	}
	return out
}
