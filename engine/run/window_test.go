package run

import (
	"fmt"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
)

// at is a clock that shows a fixed time.
type at struct{ time.Time }

func (a at) Now() time.Time { return a.Time }
func (a at) After(time.Duration) <-chan time.Time {
	passed := make(chan time.Time, 1)
	passed <- a.Time
	return passed
}

// onDay returns a clock some days after the first run of a test, at the time of day of that
// run.
func onDay(day float64) at {
	return at{time.Date(2026, 6, 1, 3, 0, 0, 0, time.UTC).Add(time.Duration(day * 24 * float64(time.Hour)))}
}

// runOfDay is one run of a series with the same state folder.
type runOfDay struct {
	day     float64
	fill    func(w *world)
	refused string // the guard; "" for a good run
	says    string // part of its reason or its table
	approve bool   // run again with the approval of the refusal
}

// documents adds the components of a range of numbers.
func documents(from, to int, fate string) func(w *world) {
	return func(w *world) {
		for i := from; i < to; i++ {
			w.Add("catalog", "component", fmt.Sprintf("c%04d", i), fate)
		}
	}
}

func both(fills ...func(w *world)) func(w *world) {
	return func(w *world) {
		for _, fill := range fills {
			fill(w)
		}
	}
}

// TestWindow: losses and widenings add up over the runs of seven days (invariants 4 and 5), and
// an approval removes the covered changes from the sum.
func TestWindow(t *testing.T) {
	none := func(fill func(w *world)) func(w *world) { // no document may widen
		return func(w *world) { fill(w); w.P.Limits.MaxWiden = component.Bound{} }
	}
	// unmarked returns 1,000 documents; the first n are open.
	unmarked := func(n int) func(w *world) { return both(documents(0, n, "fine"), documents(n, 1000, "of sam")) }
	one := func(fate string) func(w *world) { return none(both(documents(0, 1, fate), documents(1, 30, "of sam"))) }
	members := func(from, to int) func(w *world) {
		return func(w *world) {
			documents(0, 30, "fine")(w)
			group := []string{"group:default/team"}
			for i := from; i < to; i++ {
				group = append(group, fmt.Sprint("user", i))
			}
			w.Teams = append(w.Teams, group)
		}
	}
	for name, series := range map[string][]runOfDay{
		"20 documents are unmarked on three nights": {
			{day: 0, fill: unmarked(0)}, {day: 1, fill: unmarked(20)},
			{day: 2, fill: unmarked(40), refused: "max_widen", says: "40 of 1,000 documents would be found by more people"},
			{day: 2.1, fill: unmarked(40), refused: "max_widen",
				says: "a later run allowed it, and it counts for seven days"},
			{day: 3, fill: unmarked(60), refused: "max_widen", says: "60 of 1,000"},
		},
		"and on the second night they are approved": {
			{day: 0, fill: unmarked(0)}, {day: 1, fill: unmarked(20)},
			{day: 2, fill: unmarked(40), refused: "max_widen", approve: true},
			{day: 3, fill: unmarked(60)},
			{day: 4, fill: unmarked(61), refused: "max_widen", says: "21 of 1,000"},
		},
		"and again a week later": {
			{day: 0, fill: unmarked(0)}, {day: 1, fill: unmarked(20)}, {day: 4, fill: unmarked(20)},
			{day: 7.9, fill: unmarked(40), refused: "max_widen"}, {day: 8, fill: unmarked(40)},
		},
		"and those of the first night are marked again": {
			{day: 0, fill: unmarked(0)}, {day: 1, fill: unmarked(20)}, {day: 2, fill: unmarked(0)}, {day: 3, fill: unmarked(20)},
		},
		"an import of wrong entities is removed the next day": {
			{day: 0, fill: documents(0, 100, "fine")}, {day: 1, fill: documents(0, 400, "fine")},
			{day: 2, fill: documents(0, 100, "fine"), refused: "max_loss", says: "300 of 400"},
		},
		"private on Tuesday and open on Wednesday": {
			{day: 0, fill: one("fine")}, {day: 1, fill: one("private")},
			{day: 2, fill: one("fine"), refused: "max_widen", says: "nobody → all-users, 1"},
		},
		"named on Tuesday and open on Wednesday": {
			{day: 0, fill: one("fine")}, {day: 1, fill: one("of sam")},
			{day: 2, fill: one("fine"), refused: "max_widen", says: "listed → all-users, 1"},
		},
		"deleted on Tuesday, back and open on Wednesday": {
			{day: 0, fill: one("of sam")}, {day: 1, fill: none(documents(1, 30, "of sam"))},
			{day: 2, fill: one("fine"), refused: "max_widen"},
			{day: 3, fill: one("of sam")},
		},
		"deleted, and back unchanged": {
			{day: 0, fill: one("fine")}, {day: 1, fill: none(documents(1, 30, "of sam"))}, {day: 2, fill: one("fine")},
		},
		"widened, deleted, and back as wide": { // an unaccepted floor stays while the document is away
			{day: 0, fill: unmarked(0)}, {day: 1, fill: unmarked(20)}, {day: 2, fill: documents(20, 1000, "of sam")},
			{day: 12, fill: unmarked(40), refused: "max_widen", says: "40 of"},
		},
		"the job paused for eight days": {
			{day: 0, fill: documents(0, 100, "fine")},
			{day: 8, fill: documents(30, 100, "fine"), refused: "max_loss", says: "30 of 100"},
		},
		"a weekly job": {
			{day: 0, fill: documents(0, 100, "fine")}, {day: 7, fill: documents(15, 100, "fine")},
			{day: 14, fill: documents(30, 100, "fine")},
			{day: 21, fill: documents(55, 100, "fine"), refused: "max_loss", says: "25 of 70"},
		},
		"the same losses night after night": {
			{day: 0, fill: documents(0, 100, "fine")}, {day: 1, fill: documents(15, 100, "fine")},
			{day: 2, fill: documents(30, 100, "fine"), refused: "max_loss", says: "30 of 100"},
			{day: 2, fill: documents(30, 100, "fine"), refused: "max_loss", says: "which counts for seven days"},
			{day: 6.9, fill: documents(30, 100, "fine"), refused: "max_loss"},
			{day: 7, fill: documents(30, 100, "fine")}, // the first 15 were last delivered on day 0
		},
		"a part that was deleted and returned": {
			{day: 0, fill: documents(0, 100, "fine")}, {day: 1, fill: documents(15, 100, "fine")},
			{day: 2, fill: documents(0, 100, "fine")},
			{day: 3, fill: documents(0, 85, "fine")},
		},
		"30 % deleted, 30 % new": {
			{day: 0, fill: documents(0, 100, "fine")},
			{day: 1, fill: documents(30, 130, "fine"), refused: "max_loss", says: "30 of 100"},
		},
		"an approval, and what it leaves unapproved": {
			{day: 0, fill: documents(0, 100, "fine")},
			{day: 1, fill: documents(40, 100, "fine"), refused: "max_loss", approve: true},
			{day: 2, fill: documents(50, 100, "fine")}, // 10 of 60
			{day: 3, fill: documents(65, 100, "fine"), refused: "max_loss", says: "25 of 60"},
		},
		"members that leave night after night": {
			{day: 0, fill: members(0, 100)}, {day: 1, fill: members(15, 100)},
			{day: 2, fill: members(30, 100), refused: "max_loss", says: "remove 30 of 100"},
			{day: 2, fill: members(30, 100), refused: "max_loss", approve: true},
			{day: 3, fill: members(40, 100)},
		},
		"members that leave and return": {
			{day: 0, fill: members(0, 100)}, {day: 1, fill: members(15, 100)}, {day: 2, fill: members(0, 100)},
			{day: 3, fill: members(15, 100)},
		},
		"a clock before the last run": {
			{day: 2, fill: documents(0, 30, "fine")}, {day: 1.97, fill: documents(0, 30, "fine")},
			{day: 0, fill: documents(0, 30, "fine"), refused: "clock", says: "the last good run ended on", approve: true},
			{day: 0.1, fill: documents(0, 30, "fine")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newNight(t).series(series)
		})
	}
}

// TestReportNamesTonight: the report names the documents that more people find than after the
// last run; only the guard counts those of earlier nights.
func TestReportNamesTonight(t *testing.T) {
	n := newNight(t)
	for day, want := range []int{0, 3, 0, 2} {
		open := []int{0, 3, 3, 5}[day]
		_, report := n.good(func(w *world) {
			both(documents(0, open, "fine"), documents(open, 200, "of sam"))(w)
			w.o.clock = onDay(float64(day))
		})
		if report.Since != nil && report.Since.Wider != want {
			t.Errorf("day %d: %d wider, want %d", day, report.Since.Wider, want)
		}
	}
}

// TestFloorOfHidden: a document that is hidden and let back is compared with its floor from
// before it was hidden.
func TestFloorOfHidden(t *testing.T) {
	n := newNight(t)
	fill := func(day float64, fate string, list ...baseline.Hidden) func(w *world) {
		return func(w *world) {
			both(documents(0, 1, fate), documents(1, 30, "of sam"))(w)
			w.P.Limits.MaxWiden = component.Bound{}
			w.o.clock = onDay(day)
			n.Hide(list...)
		}
	}
	hidden := hiddenNow("component:default/c0000")
	back := hidden
	back.Back = time.Now().UTC()
	n.good(fill(0, "of sam"))
	n.good(fill(1, "of sam", hidden))
	if _, _, err := n.run(fill(2, "fine", back)); idOf(err) == "" {
		t.Errorf("let back for everyone: %v", err)
	}
	n.good(fill(3, "of sam", back))
	_, entries := entriesOf(t, n.Baseline())
	if e := entries["documents component:default/c0000"]; e.Audience != access.Listed.String() ||
		e.Floor.Audience != access.Undecided {
		t.Errorf("%+v", e)
	}
}
