package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

type widenCase struct {
	before, after func(w *world)
	wider         int
	table         string
}

// TestNoMassExposure is invariant 5: existing documents that would be found by more people are
// counted.
func TestNoMassExposure(t *testing.T) {
	of := func(fate string, n int) func(*world) {
		return func(w *world) { w.Components(100, "fine"); fates1(w, n, fate) }
	}
	for name, tc := range map[string]widenCase{
		"as it was":                     {of("of sam", 50), of("of sam", 50), 0, ""},
		"narrower":                      {of("fine", 50), of("of sam", 50), 0, ""},
		"one of two is removed":         {of("of sam and ann", 50), of("of sam", 50), 0, ""},
		"20 become visible to everyone": {of("of sam", 50), of("of sam", 30), 0, ""},
		"21 become visible to everyone": {of("of sam", 50), of("of sam", 29), 21, "default: listed → all-users, 21"},
		"one person more": {of("of sam", 50), of("of sam and ann", 50), 50, "owners: listed → more users " +
			"or groups, 50"},
		"withheld, then listed": {of("private", 50), of("of sam", 50), 50, "owners: nobody → listed, 50"},
		"a flipped default":     {of("private", 50), of("fine", 50), 50, "default: nobody → all-users, 50"},
		"new ones do not count": {of("of sam", 50), func(w *world) { of("of sam", 50)(w); renamed(w, 100) }, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(tc.before)
			w, report, err := n.run(tc.after)
			if tc.wider == 0 {
				if err != nil {
					t.Fatalf("%v\n%s", err, strings.Join(tableOf(err), "\n"))
				}
				return
			}
			var refused *fault.Refusal
			if !errors.As(err, &refused) || refused.Guard != "max_widen" || w.Sent() {
				t.Fatalf("error %v, sent %v", err, w.Sent())
			}
			if len(refused.Changes) != tc.wider || !slices.ContainsFunc(refused.Table, func(l string) bool {
				return strings.Contains(l, tc.table)
			}) {
				t.Errorf("%d changes\n%s", len(refused.Changes), strings.Join(refused.Table, "\n"))
			}
			if report.Since == nil || report.Since.Wider != tc.wider {
				t.Errorf("reported %+v", report.Since)
			}
			n.good(func(w *world) { tc.after(w); w.o.Approve = []string{refused.ID} })
			n.good(tc.after)
		})
	}
}

// TestTowardsEveryone: more than twenty documents that everyone would find are refused,
// however small their share.
func TestTowardsEveryone(t *testing.T) {
	n := newNight(t)
	lenient := func(open int) func(*world) {
		return func(w *world) {
			w.Components(100, "of sam")
			fates1(w, open, "fine")
			w.P.Limits.MaxWiden = component.Bound{Share: 1}
		}
	}
	n.good(lenient(0))
	n.good(lenient(20))
	if _, _, err := n.run(lenient(41)); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("21 documents: %v", err)
	}
}

// TestWidenReason: a refusal says which limit was exceeded, and names the groups that have more
// members, if any.
func TestWidenReason(t *testing.T) {
	for name, tc := range map[string]struct {
		limit   component.Bound
		members int
		reason  string
		gained  string
	}{
		"the number": {component.Bound{Items: 5}, 3, "21 of 100 documents would be found by more people (21 %, limit 5)",
			""},
		"the share": {component.Bound{Share: 0.1}, 3,
			"21 of 100 documents would be found by more people (21 %, limit 10 %)", ""},
		"everybody's": {component.Bound{Share: 1}, 3,
			"21 of 100 documents would be found by more people (21 of them by everyone, limit 20)", ""},
		"and more in it": {component.Bound{Share: 1}, 5,
			"21 of 100 documents would be found by more people (21 of them by everyone, limit 20)",
			"groups with more members than before: group:default/team +2"},
	} {
		n := newNight(t)
		n.good(func(w *world) { w.Components(100, "of sam"); team(w, 3) })
		_, _, err := n.run(func(w *world) {
			w.Components(100, "of sam")
			fates1(w, 21, "fine")
			team(w, tc.members)
			w.P.Limits.MaxWiden = tc.limit
		})
		var refused *fault.Refusal
		if !errors.As(err, &refused) || refused.Reason != tc.reason {
			t.Errorf("%s: %v", name, err)
			continue
		}
		last := refused.Table[len(refused.Table)-1]
		if gained := strings.HasPrefix(last, "groups"); gained != (tc.gained != "") || gained && last != tc.gained ||
			last == "" {
			t.Errorf("%s: the table is\n%s", name, strings.Join(refused.Table, "\n"))
		}
	}
}

// TestWithheldCountInTheTotal: max_widen is a share of all documents, including withheld ones.
func TestWithheldCountInTheTotal(t *testing.T) {
	for widened, refused := range map[int]bool{10: false, 11: true} {
		n := newNight(t)
		fill := func(listed int) func(*world) {
			return func(w *world) {
				w.Components(50, "private")
				fates1(w, listed, "of sam")
				renamed(w, 50)
				w.P.Limits.MaxWiden = component.Bound{Share: 0.1}
			}
		}
		n.good(fill(0))
		if _, _, err := n.run(fill(widened)); errors.As(err, new(*fault.Refusal)) != refused {
			t.Errorf("%d of 100: %v", widened, err)
		}
	}
}

// TestWidenLimits: each form of max_widen: how many of 1,000 documents one more person may
// find, and how many everyone.
func TestWidenLimits(t *testing.T) {
	for _, tc := range []struct {
		limit            component.Bound
		named, everybody int
	}{
		{component.Bound{}, 0, 0},
		{component.Bound{Items: 5}, 5, 5},
		{component.Bound{Items: 50}, 50, 20},
		{component.Bound{Share: 0.01}, 10, 10},
		{component.Bound{Share: 0.01, Items: 20}, 20, 20},
		{component.Bound{Share: 0.05, Items: 20}, 50, 20},
	} {
		for fate, most := range map[string]int{"of sam and ann": tc.named, "fine": tc.everybody} {
			n := newNight(t)
			wider := func(k int) func(*world) {
				return func(w *world) { w.Components(1000, "of sam"); fates1(w, k, fate); w.P.Limits.MaxWiden = tc.limit }
			}
			n.good(wider(0))
			id := n.refusedID(wider(most + 1))
			n.good(func(w *world) { wider(most)(w); w.o.Until = Reviewed })
			n.good(wider(most))
			if most > 0 { // they are accepted now
				id = n.refusedID(wider(2*most + 1))
			}
			n.good(with(wider(2*most+1), id))
		}
	}
}

// TestStrictNote: a dry run suggests a share when max_widen is 0 and many documents are
// restricted.
func TestStrictNote(t *testing.T) {
	for _, tc := range []struct {
		restricted int
		limit      component.Bound
		dry, note  bool
	}{
		{100, component.Bound{}, true, true},
		{99, component.Bound{}, true, false},
		{100, component.Bound{}, false, false},
		{100, component.Bound{Items: 1}, true, false},
	} {
		_, report := newNight(t).good(func(w *world) {
			w.Components(200, "fine")
			fates1(w, tc.restricted, "of sam")
			w.P.Limits.MaxWiden, w.o.Until = tc.limit, until(tc.dry)
		})
		if said := strings.Contains(strings.Join(report.Notes, "\n"), "max_widen: 1%"); said != tc.note {
			t.Errorf("%+v: %q", tc, report.Notes)
		}
	}
}

// TestAwayAndBack: a document that was away for some nights, for whatever reason, is not new
// when it returns (invariant 5).
func TestAwayAndBack(t *testing.T) {
	for name, fate := range map[string]string{"withheld": "private", "listed": "of sam"} {
		for away, spoil := range map[string]func(w *world){
			"gone":     func(w *world) { w.Records["catalog"] = w.Records["catalog"][50:] },
			"filtered": func(w *world) { fates1(w, 50, "dropped") },
			"rejected": func(w *world) { fates1(w, 50, "rule error") },
			"unmapped": func(w *world) { fates1(w, 50, "unmapped") },
		} {
			t.Run(name+" and "+away, func(t *testing.T) {
				n := newNight(t)
				n.good(func(w *world) { w.Components(100, "fine"); fates1(w, 50, fate) })
				for range 3 {
					n.approved(func(w *world) {
						w.Components(100, "fine")
						spoil(w)
					})
				}
				_, _, err := n.run(func(w *world) { w.Components(100, "fine") })
				var refused *fault.Refusal
				if !errors.As(err, &refused) || refused.Guard != "max_widen" {
					t.Errorf("50 come back for everybody: %v", err)
				}
				n.good(func(w *world) { w.Components(100, "fine"); fates1(w, 50, fate) })
			})
		}
	}
}

// TestAwayFor: the audience of a deleted document is kept for 90 days.
func TestAwayFor(t *testing.T) {
	for days, remembered := range map[int]bool{0: true, 1: true, 89: true, 91: false} {
		n := newNight(t)
		n.good(func(w *world) { w.Components(100, "fine"); fates1(w, 50, "of sam") })
		gone := func(w *world) { w.Components(100, "fine"); w.Records["catalog"] = w.Records["catalog"][50:] }
		n.approved(gone)
		n.age(time.Duration(days) * 24 * time.Hour)
		n.good(gone)
		_, _, err := n.run(func(w *world) { w.Components(100, "fine") })
		if remembered != errors.As(err, new(*fault.Refusal)) {
			t.Errorf("after %d days: %v", days, err)
		}
	}
}

// TestSameIDAnotherRef: documents are also identified by their ID.
func TestSameIDAnotherRef(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Store.Numbered = true; w.Components(100, "of sam") })
	_, _, err := n.run(func(w *world) {
		w.Store.Numbered = true
		renamed(w, 100)
	})
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.Guard != "max_widen" {
		t.Errorf("%v", err)
	}
}

// TestWithheldIsRenamed: a withheld document is also identified by the ID that it would have,
// and by the ID that it had before.
func TestWithheldIsRenamed(t *testing.T) {
	for name, before := range map[string][]string{"withheld": {"private"},
		"listed, then withheld": {"of sam", "private"}} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			for _, fate := range before {
				n.approved(func(w *world) {
					w.Store.Digits = true
					w.Components(200, fate)
					fates1(w, 100, "fine")
				})
			}
			_, _, err := n.run(func(w *world) {
				w.Store.Digits = true
				w.Components(100, "fine")
				for i := 100; i < 200; i++ {
					w.Add("catalog", "component", fmt.Sprintf("renamed%03d", i), "fine")
				}
			})
			var refused *fault.Refusal
			if !errors.As(err, &refused) || refused.Guard != "max_widen" {
				t.Errorf("%v", err)
			}
		})
	}
}
