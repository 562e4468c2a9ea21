package run

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// group adds a group with the people of a range of numbers, a document for it, and other
// members.
func group(name string, from, to int, others ...string) func(w *world) {
	return func(w *world) {
		g := append([]string{name}, others...)
		for i := from; i < to; i++ {
			g = append(g, component.UserPrincipal(fmt.Sprint("p", i)))
		}
		w.Teams = append(w.Teams, g)
	}
}

// TestGrowth: a run is refused when too many people join a group that documents name and could
// find those documents in no good run of the window (invariant 5).
func TestGrowth(t *testing.T) {
	// docs returns documents for a group and for everyone.
	docs := func(name string) func(w *world) {
		return both(documents(0, 12, "named "+component.GroupPrincipal(name)), documents(12, 40, "fine"))
	}
	team := func(from, to int) func(w *world) { return both(docs("team"), group("team", from, to)) }
	limit := func(people int, fill func(w *world)) func(w *world) {
		return func(w *world) { fill(w); w.P.Limits.MaxGrowth = component.Bound{Items: people} }
	}
	nested := func(n int) func(w *world) {
		return both(docs("parent"),
			group("parent", 0, 0, component.GroupPrincipal("child"), component.GroupPrincipal("parent")),
			group("child", 0, n, component.GroupPrincipal("parent")))
	}
	large := func(moved int) func(w *world) { // people move from the first team to the second
		return both(docs("b"), group("a", moved, 200), group("b", 200, 230), func(w *world) {
			for i := range moved {
				w.Teams[1] = append(w.Teams[1], component.UserPrincipal(fmt.Sprint("p", i)))
			}
			w.P.Limits.MaxLoss = component.Bound{Share: 0.5}
		})
	}
	for name, series := range map[string][]runOfDay{
		"20 newcomers": {{day: 0, fill: team(0, 30)}, {day: 1, fill: team(0, 50)}},
		"21 newcomers": {
			{day: 0, fill: team(0, 30)},
			{day: 1, fill: team(0, 51), refused: "max_growth", says: "team: 21 newcomers, 12 documents"},
			{day: 1, fill: team(0, 51), refused: "max_growth",
				says: "team has 21 newcomers in addition to the 30 who could find its 12 documents", approve: true},
			{day: 2, fill: team(0, 51)},
		},
		"a quarter of a large group": {{day: 0, fill: team(0, 200)}, {day: 1, fill: team(0, 250)}},
		"more than a quarter": {{day: 0, fill: team(0, 200)},
			{day: 1, fill: team(0, 251), refused: "max_growth"}},
		"20 on each of three nights": {{day: 0, fill: team(0, 30)}, {day: 1, fill: team(0, 50)},
			{day: 2, fill: team(0, 70)}, {day: 3, fill: team(0, 90)}},
		"no newcomer allowed": {{day: 0, fill: team(0, 30)},
			{day: 1, fill: limit(0, team(0, 31)), refused: "max_growth"}, {day: 2, fill: limit(0, team(0, 30))}},
		"no document names it": {{day: 0, fill: both(docs("other"), group("team", 0, 30))},
			{day: 1, fill: both(docs("other"), group("team", 0, 90))}},
		"a new group": {{day: 0, fill: docs("other")},
			{day: 1, fill: both(docs("other"), group("team", 0, 90))}},
		"they were members six days ago": {{day: 0, fill: team(0, 30)}, {day: 1, fill: limit(0, team(10, 30))},
			{day: 5, fill: limit(0, team(0, 30))}},
		"they were members eight days ago": {{day: 0, fill: team(0, 30)}, {day: 1, fill: limit(0, team(10, 30))},
			{day: 8, fill: limit(0, team(0, 30)), refused: "max_growth", says: "10 newcomers"}},
		"the group was away for a night": {{day: 0, fill: team(0, 18)}, {day: 1, fill: docs("team")},
			{day: 2, fill: limit(0, team(0, 18))}},
		"through a subgroup": {
			{day: 0, fill: nested(30)},
			{day: 1, fill: nested(51), refused: "max_growth", says: "parent: 21 newcomers, 12 documents"},
		},
		"people move": {
			{day: 0, fill: large(0)},
			{day: 1, fill: large(25), refused: "max_growth", says: "b: 25 newcomers, 12 documents (25 moved from a)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newNight(t).series(series)
		})
	}
}

// series runs one run after another, and stops at the first with an unexpected result.
func (n night) series(all []runOfDay) {
	n.T.Helper()
	for i, r := range all {
		fill := func(w *world) { r.fill(w); w.o.clock = onDay(r.day) }
		_, _, err := n.run(fill)
		var refused *fault.Refusal
		errors.As(err, &refused)
		switch {
		case r.refused == "" && err != nil:
			n.T.Fatalf("run %d, day %v: %v", i+1, r.day, err)
		case r.refused == "":
			continue
		case refused == nil || refused.Guard != r.refused:
			n.T.Fatalf("run %d, day %v: %v, want a refusal by %s", i+1, r.day, err, r.refused)
		}
		if text := refused.Reason + "\n" + strings.Join(refused.Table, "\n"); !strings.Contains(text, r.says) {
			n.T.Errorf("run %d, day %v does not say %q: %s", i+1, r.day, r.says, text)
		}
		if r.approve {
			n.good(func(w *world) { fill(w); w.o.Approve = []string{refused.ID} })
		}
	}
}
