package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// TestRestrictedForOpen: restricted documents that are deleted while wider new ones appear
// count as widenings.
func TestRestrictedForOpen(t *testing.T) {
	before := func(w *world) { w.Components(200, "fine"); fates1(w, 50, "of sam") }
	// after returns a catalog with the restricted documents from one number on, and some new
	// ones.
	after := func(from, n int, fate string) func(*world) {
		return func(w *world) {
			before(w)
			w.Records["catalog"] = w.Records["catalog"][from:]
			for i := range n {
				w.Add("catalog", "component", fmt.Sprint("new", i), fate)
			}
		}
	}
	for name, tc := range map[string]struct {
		after   func(w *world)
		limit   component.Bound
		refused bool
	}{
		"30 renamed, now for everyone":       {after(30, 30, "fine"), component.DefaultLimits().MaxWiden, true},
		"20 are":                             {after(20, 20, "fine"), component.DefaultLimits().MaxWiden, false},
		"20 renamed, none allowed":           {after(20, 20, "fine"), component.Bound{}, true},
		"1 renamed, none allowed":            {after(1, 1, "fine"), component.Bound{}, true},
		"30 deleted, nothing new":            {after(30, 0, ""), component.Bound{}, false},
		"30 deleted, 30 new restricted ones": {after(30, 30, "of sam"), component.Bound{}, false},
		"none deleted, 30 new":               {after(0, 30, "fine"), component.Bound{}, false},
		"30 deleted, 5 new":                  {after(30, 5, "fine"), component.Bound{Items: 5}, false},
		"30 deleted, 6 new":                  {after(30, 6, "fine"), component.Bound{Items: 5}, true},
		"5 deleted, 30 new":                  {after(5, 30, "fine"), component.Bound{Items: 5}, false},
		"open documents deleted": {func(w *world) {
			before(w)
			w.Records["catalog"] = w.Records["catalog"][:180]
			renamed(w, 30)
		}, component.Bound{}, false},
		"all have another id": {func(w *world) {
			before(w)
			w.Store.Numbered = true
		}, component.Bound{}, false},
		"25 renamed for everyone, lenient limits": {after(25, 25, "fine"), component.Bound{Share: 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(before)
			fill := func(w *world) {
				tc.after(w)
				w.P.Limits.MaxWiden, w.P.Limits.MaxLoss = tc.limit, component.Bound{Items: 199}
			}
			_, report, err := n.run(fill)
			var refused *fault.Refusal
			if !tc.refused {
				if err != nil &&
					!(name == "all have another id" && errors.As(err, &refused) && refused.Guard == "max_loss" &&
						refused.Also == nil) {
					t.Errorf("%v\n%s", err, strings.Join(tableOf(err), "\n"))
				}
				return
			}
			if !errors.As(err, &refused) || refused.Guard != "max_widen" || report.Since.Swapped == 0 ||
				report.Since.Wider != 0 {
				t.Fatalf("%v, %+v", err, report.Since)
			}
			text := strings.Join(refused.Table, "\n")
			if !strings.Contains(text, "component:default/c000 (listed)") ||
				!strings.Contains(text, "component:default/new0 (all-users)") {
				t.Errorf("the table is\n%s", text)
			}
			n.good(with(fill, refused.ID))
		})
	}
}

// TestApprovalOfSwaps: a pair is covered only when an approval showed both of its documents.
func TestApprovalOfSwaps(t *testing.T) {
	fill := func(from int, added ...string) func(*world) {
		return func(w *world) {
			w.Components(200, "fine")
			fates1(w, 50, "of sam")
			w.Records["catalog"] = w.Records["catalog"][from:]
			for _, name := range added {
				w.Add("catalog", "component", name, "fine")
			}
			w.P.Limits.MaxWiden, w.P.Limits.MaxLoss = component.Bound{}, component.Bound{Items: 199}
		}
	}
	n := newNight(t)
	n.good(fill(0))
	id := n.refusedID(fill(2, "x", "y"))
	for name, other := range map[string]func(*world){
		"another new one":        fill(2, "x", "z"),
		"another one is deleted": fill(3, "x", "y"),
		"one more new one":       fill(2, "x", "y", "z"),
	} {
		if _, _, err := n.run(with(other, id)); !errors.As(err, new(*fault.Refusal)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n.good(with(fill(2, "x"), id))
}

// TestEveryWidenedDocumentHasAName: the report names every widened document, and a refusal for
// loss lists the audiences of new documents.
func TestEveryWidenedDocumentHasAName(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(100, "of sam") })
	var d Differences
	_, report, err := n.run(func(w *world) {
		w.Components(75, "of sam")
		fates1(w, 12, "fine")
		renamed(w, 3)
		w.o.Differences = func(got Differences) error { d = got; return nil }
	})
	var refused *fault.Refusal
	if !errors.As(err, &refused) || !slices.Contains(refused.Table, "who finds the new documents: all-users 3") {
		t.Errorf("%v\n%s", err, strings.Join(tableOf(err), "\n"))
	}
	if len(report.Since.Widened) != 12 || report.Since.Wider != 12 || len(d.Widened) != 12 || len(d.Gone) != 25 {
		t.Fatalf("%+v, %d, %d", report.Since, len(d.Widened), len(d.Gone))
	}
	if first := d.Widened[0]; first != (baseline.Widened{Ref: "component:default/c000", Rule: "default",
		Before: access.Listed, After: access.AllUsers}) {
		t.Errorf("%+v", first)
	}
}

// TestRenamedIsNotNew: a document that keeps its ID under another ref is not new, and makes no
// pair with a restricted one that is deleted.
func TestRenamedIsNotNew(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) {
		w.Store.Digits = true
		w.Components(100, "fine")
		fates1(w, 30, "of sam")
		w.P.Limits.MaxWiden, w.P.Limits.MaxLoss = component.Bound{}, component.Bound{Items: 99}
	}
	n.good(fill)
	n.good(func(w *world) {
		fill(w)
		w.Records["catalog"] = w.Records["catalog"][20:80]
		for i := 80; i < 100; i++ {
			w.Add("catalog", "component", fmt.Sprintf("renamed%03d", i), "fine")
		}
	})
}
