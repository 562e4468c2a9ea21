package guard

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// bounded is a guard that refuses when more than limit changes are not covered.
func bounded(limit int, changes []fault.Change) approvable {
	return func(_ *component.Plan, _ component.Holdings, cover *Coverage) *fault.Refusal {
		if n, _ := cover.leftOf(changes); n <= limit {
			return nil
		}
		return &fault.Refusal{Guard: "test", Changes: changes}
	}
}

// TestJudge: which approvals allow a run, which of them the run used, and why the others do not
// allow it.
func TestJudge(t *testing.T) {
	all := fake.Gone("a", "b", "c")
	own := fault.Digest(all)
	anotherGuard := []fault.Change{{Stream: "users", ID: "u", Before: "listed:1", After: fault.Gone, N: 1}}
	unapprovable := func(_ *component.Plan, _ component.Holdings, cover *Coverage) *fault.Refusal {
		if cover != nil {
			return nil
		}
		return &fault.Refusal{Guard: "unapprovable"}
	}
	never := func(_ *component.Plan, _ component.Holdings, _ *Coverage) *fault.Refusal {
		return &fault.Refusal{Guard: "never", Changes: all}
	}
	const (
		noList  = "Approval x did not match: its list is not stored here, and this run has another ID."
		nothing = "Approval x did not match: it covers none of these changes."
		partly  = "Approval x covers 2 of the 3 changes; the others are too many."
	)
	for name, tc := range map[string]struct {
		guards    []approvable
		approvals []Approval
		allowed   bool
		used, why []string
	}{
		"nothing to approve": {[]approvable{bounded(3, all)},
			[]Approval{{ID: "x", Called: true}, {ID: "y", Void: "Void."}}, true, nil, nil},
		"without an approval": {[]approvable{bounded(0, all)}, nil, false, nil, nil},
		"its own ID, no list": {[]approvable{bounded(0, all)}, []Approval{{ID: own}}, true, []string{own}, nil},
		"its own ID, void": {[]approvable{bounded(0, all)}, []Approval{{ID: own, Void: "Void."}}, false, nil,
			[]string{"Void."}},
		"another ID, void": {[]approvable{bounded(0, all)}, []Approval{{ID: "x", Changes: all, Void: "Void."}},
			false, nil, []string{"Void."}},
		"another ID, no list": {[]approvable{bounded(0, all)}, []Approval{{ID: "x"}}, false, nil, []string{noList}},
		"all changes": {[]approvable{bounded(0, all)},
			[]Approval{{ID: "x", Changes: fake.Gone("a", "b", "c", "d")}}, true, []string{"x"}, nil},
		"two changes": {[]approvable{bounded(0, all)}, []Approval{{ID: "x", Changes: fake.Gone("a", "b")}},
			false, nil, []string{partly}},
		"two changes, one not covered": {[]approvable{bounded(1, all)}, []Approval{{ID: "x", Changes: fake.Gone("a", "b")}},
			true, []string{"x"}, nil},
		"two approvals together": {[]approvable{bounded(0, all)},
			[]Approval{{ID: "x", Changes: fake.Gone("a", "b")}, {ID: "y", Changes: fake.Gone("c")}}, true, []string{"x", "y"},
			nil},
		"an unneeded approval": {[]approvable{bounded(0, all)},
			[]Approval{{ID: "x", Called: true, Changes: fake.Gone("d")}, {ID: "y", Changes: all}}, true, []string{"y"}, nil},
		"of other changes, on the command line": {[]approvable{bounded(0, all)},
			[]Approval{{ID: "x", Called: true, Changes: fake.Gone("d")}}, false, nil, []string{nothing}},
		"of other changes, stored": {[]approvable{bounded(0, all)},
			[]Approval{{ID: "x", Changes: fake.Gone("d")}, {ID: "z", Called: true, Void: "Void."}}, false, nil,
			[]string{"Void."}},
		"one guard of two": {[]approvable{bounded(0, all[:2]), bounded(0, all[2:])},
			[]Approval{{ID: "x", Changes: fake.Gone("a", "b")}}, false, nil, []string{partly}},
		"the other guard has passed": {[]approvable{bounded(0, all), bounded(1, anotherGuard)}, []Approval{{ID: own}}, true,
			[]string{own}, nil},
		"covered and still refused": {[]approvable{never}, []Approval{{ID: "x", Changes: all}}, false, nil,
			[]string{"Approval x does not allow this run: it showed documents that are missing now, more than max_loss."}},
		"cannot be approved": {[]approvable{unapprovable, bounded(0, all)},
			[]Approval{{ID: "x", Changes: all}, {ID: "y", Changes: fake.Gone("d")}}, false, nil,
			[]string{"Approval x does not allow this run: it cannot be approved."}},
		"nothing can be approved": {[]approvable{unapprovable}, []Approval{{ID: "x", Called: true, Changes: all}}, false,
			nil, []string{nothing}},
	} {
		t.Run(name, func(t *testing.T) {
			v := &Review{Approvals: tc.approvals}
			err := v.judge(nil, component.Holdings{}, tc.guards)
			if (err == nil) != tc.allowed || !slices.Equal(v.Used, tc.used) {
				t.Errorf("%v, used %v", err, v.Used)
			}
			if (v.Cover != nil) != (len(tc.used) > 0) {
				t.Errorf("the run is covered by %+v", v.Cover)
			}
			if refused, _ := err.(*fault.Refusal); refused != nil && !slices.Equal(refused.Approvals, tc.why) {
				t.Errorf("%q", refused.Approvals)
			}
		})
	}
}

// TestCoverageOfLists: of several lists, the largest number of a change without an ID counts,
// and the shortest list that shows a whole place determines what is missing.
func TestCoverageOfLists(t *testing.T) {
	count := func(n int) []fault.Change { return []fault.Change{{Stream: "documents", After: fault.Gone, N: n}} }
	shown := func(n int) []fault.Change {
		var out []fault.Change
		for i := range n {
			out = append(out,
				fault.Change{Stream: "documents", ID: fmt.Sprint(i), Before: fault.Unknown, After: "all-users", N: 1})
		}
		return out
	}
	for name, tc := range map[string]struct {
		lists       [][]fault.Change
		left, shown int // left is how much of a count of 10 is not covered
	}{
		"none":                      {nil, 10, 0},
		"a count":                   {[][]fault.Change{count(7)}, 3, 0},
		"the larger count first":    {[][]fault.Change{count(7), count(4)}, 3, 0},
		"the larger count last":     {[][]fault.Change{count(4), count(7)}, 3, 0},
		"a place":                   {[][]fault.Change{shown(5)}, 10, 5},
		"the shorter list first":    {[][]fault.Change{shown(3), shown(5)}, 10, 3},
		"the shorter list last":     {[][]fault.Change{shown(5), shown(3)}, 10, 3},
		"a list that shows nothing": {[][]fault.Change{shown(5), count(7)}, 3, 5},
	} {
		cover := NewCoverage(tc.lists...)
		if left := cover.Left(count(10)[0]); left != tc.left || cover.shown != tc.shown {
			t.Errorf("%s: %d are left, %d shown", name, left, cover.shown)
		}
	}
}

// TestTooFew: a refusal that opens documents to everybody or is very large needs as many people
// as the file asked for, and any other one person. Where several are needed, only proven names
// count.
func TestTooFew(t *testing.T) {
	narrow := []fault.Change{{Stream: "documents", ID: "a", Before: "listed:1", After: "listed:2", N: 1}}
	open := []fault.Change{{Stream: "documents", ID: "a", Before: "listed:1", After: "all-users", N: 1}}
	users := []fault.Change{{Stream: "documents", ID: "a", Before: "listed:1", After: "datasource-users", N: 1}}
	many := []fault.Change{{Stream: "memberships", After: fault.Added, N: 1001}}
	for name, tc := range map[string]struct {
		changes  []fault.Change
		people   string // proven names are in capitals
		alone    bool
		then     int // guards.approvals when the run was refused
		most     int
		enough   bool
		mentions string
	}{
		"one person, one asked for":       {open, "ann", false, 1, 1, true, ""},
		"open to all":                     {open, "ANN", false, 2, 2, false, "has 1: another person"},
		"open to all, two people":         {open, "ANN BOB", false, 2, 2, true, ""},
		"open to all, two names":          {open, "ann bob", false, 2, 2, false, "has 1: bob gave this name without a proof"},
		"open to all, one of them proven": {open, "ann BOB", false, 2, 2, false, "has 1: another person"},
		"open to all, alone":              {open, "ann", true, 2, 2, true, ""},
		"open to the datasource's users":  {users, "ANN", false, 2, 2, false, "needs 2"},
		"many":                            {many, "ANN", false, 2, 2, false, "needs 2"},
		"three asked for":                 {many, "ANN BOB", false, 3, 3, false, "needs 3 people and has 2"},
		"few more people":                 {narrow, "ann", false, 2, 2, true, ""},
		"deletions":                       {fake.Gone("a", "b"), "ann", false, 2, 2, true, ""},
		"lowered since":                   {open, "ANN", false, 2, 1, false, "needs 2"},
		"raised since":                    {open, "ANN", false, 1, 2, false, "needs 2"},
	} {
		a := &baseline.Approval{ID: "x", Alone: tc.alone}
		for i, name := range strings.Fields(tc.people) {
			if i > 0 {
				a.Others = append(a.Others, baseline.Approver{By: a.By, Proven: a.Proven})
			}
			a.By, a.Proven = name, name == strings.ToUpper(name)
		}
		text := TooFew(a, &baseline.Refusal{ID: "x", Counts: baseline.CountChanges(tc.changes), Approvers: tc.then}, tc.most)
		if (text == "") != tc.enough || !strings.Contains(text, tc.mentions) {
			t.Errorf("%s: %q", name, text)
		}
	}
}
