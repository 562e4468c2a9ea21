package run

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/read"
)

type lossCase struct {
	before, after func(w *world)
	refused       bool
	table         []string // of the refusal
}

// TestNoMassDeletion is invariant 4 by ID: items that the last good run delivered and this run
// does not are counted, regardless of the net number.
func TestNoMassDeletion(t *testing.T) {
	before := func(w *world) { w.Components(100, "fine") }
	for name, tc := range map[string]lossCase{
		"nothing changes":                 {before, before, false, nil},
		"20 deletions are always allowed": {before, func(w *world) { w.Components(80, "fine") }, false, nil},
		"a quarter is gone": {before, func(w *world) {
			w.Components(75, "fine")
		}, true, []string{"documents, gone from the source: 25", "component:default/c075, ", " and 15 more"}},
		"a quarter is filtered": {before, func(w *world) {
			w.Components(100, "fine")
			fates1(w, 30, "dropped")
		}, true, []string{"documents, filtered: unwanted: 30"}},
		"a quarter is withheld": {before, func(w *world) {
			w.Components(100, "fine")
			fates1(w, 30, "private")
		}, true, []string{`documents, withheld: rule "private" grants access to no one: 30`}},
		"a quarter is rejected": {before, func(w *world) {
			w.Components(100, "fine")
			fates1(w, 30, "rule error")
		}, true, []string{"documents, rejected: permissions: 30"}},
		"replaced by as many others": {before, func(w *world) { renamed(w, 100) }, true,
			[]string{"documents                      100 before     100 would be deleted (100 %, limit 20)"}},
		"a type disappears": {func(w *world) {
			w.Components(100, "fine")
			apis(w, 6)
		}, before, true, []string{"documents api"}},
		"5 of a type may be deleted": {func(w *world) { w.Components(100, "fine"); apis(w, 5) }, before, false, nil},
		"all members leave": {func(w *world) { before(w); team(w, 5) }, func(w *world) { before(w); team(w, 0) }, true,
			[]string{"members ", "members (whole groups)"}},
		"a member leaves": {func(w *world) { before(w); team(w, 5) }, func(w *world) { before(w); team(w, 4) },
			false, nil},
		"all but one of a few are deleted": {func(w *world) {
			w.Components(10, "fine")
		}, func(w *world) { w.Components(1, "fine") }, false, nil},
		"withheld documents are removed": {func(w *world) {
			w.Components(100, "fine")
			fates1(w, 50, "private")
		}, func(w *world) { renamedFrom(w, 50, 100) }, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(tc.before)
			w, report, err := n.run(tc.after)
			if !tc.refused {
				if err != nil {
					t.Fatalf("%v\n%s", err, strings.Join(tableOf(err), "\n"))
				}
				return
			}
			var refused *fault.Refusal
			if !errors.As(err, &refused) || refused.Guard != "max_loss" || w.Sent() || report.Sent {
				t.Fatalf("error %v, sent %v", err, w.Sent())
			}
			for _, text := range tc.table {
				if !strings.Contains(strings.Join(refused.Table, "\n"), text) {
					t.Errorf("the table has no %q:\n%s", text, strings.Join(refused.Table, "\n"))
				}
			}
			w, _ = n.good(func(w *world) { tc.after(w); w.o.Approve = []string{refused.ID} })
			if s := w.Plan.Stream("documents"); !s.Cleared {
				t.Error("the sink does not learn that the guard has passed")
			}
			n.good(tc.after) // after the approval this is the normal state
		})
	}
}

// TestLossLimits: each form of max_loss, and how many of 200 documents may be deleted.
func TestLossLimits(t *testing.T) {
	for limit, most := range map[component.Bound]int{
		{}: 0, {Items: 5}: 5, {Share: 0.1}: 20, {Share: 0.01, Items: 20}: 20, {Share: 0.2, Items: 20}: 40, {Share: 1}: 199,
		{Items: 1000}: 199,
	} {
		n := newNight(t)
		lose := func(k int) func(*world) {
			return func(w *world) { left(k)(w); w.P.Limits.MaxLoss = limit }
		}
		n.good(lose(0))
		n.refusedID(func(w *world) {
			lose(most + 1)(w)
			w.Add("catalog", "component", "other", "fine") // keeps the stream from being empty
		})
		n.good(lose(most))
	}
}

// TestConfirmedAbsence: refs of the last good run that reading does not return are looked up
// before they count as gone.
func TestConfirmedAbsence(t *testing.T) {
	for _, hold := range []int{1 << 20, 256} { // in memory, and while streaming
		n := newNight(t)
		n.good(func(w *world) { w.Components(100, "fine") })
		half := func(w *world) {
			w.P.Limits.SpillBytes = hold
			w.Components(100, "fine")
			w.Unread = w.Records["catalog"][40:]
			w.Records["catalog"] = w.Records["catalog"][:40]
		}
		w, report := n.good(half)
		if len(w.Published["documents"]) != 100 || len(w.Asked) != 60 || report.Read != 102 {
			t.Errorf("hold %d: %d published, %d asked for, %d read", hold, len(w.Published["documents"]), len(w.Asked),
				report.Read)
		}
		if !strings.Contains(strings.Join(report.Notes, "\n"), "60 of 60 refs were missing when component was read") {
			t.Errorf("notes %q", report.Notes)
		}
		w, _, err := n.run(func(w *world) { half(w); w.Blind = true })
		if err == nil || w.Sent() || !strings.Contains(err.Error(), "20 refs that were just read are not found") {
			t.Errorf("a blind source: %v", err)
		}
		w, _, err = n.run(func(w *world) { half(w); w.Unread = nil })
		if err == nil || w.Sent() {
			t.Errorf("60 that are gone: %v", err)
		}
	}
}

// TestConfirmControls: look-ups contain control refs that were just read, of the same kind when
// one was read. When nothing was read, nothing is looked up, since no answer would prove an
// absence.
func TestConfirmControls(t *testing.T) {
	for name, tc := range map[string]struct {
		fill    func(w *world)
		control string // prefix of every control
		least   int
	}{
		"some of the kind":  {func(w *world) { w.Components(30, "fine") }, "component:", read.Controls},
		"a few of the kind": {func(w *world) { w.Components(3, "fine") }, "component:", 3},
		"no such entity":    {func(*world) {}, "user:", 2},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(func(w *world) { w.Components(100, "fine") })
			w, _, _ := n.run(func(w *world) { w.P.Limits.MaxLoss = component.Bound{Share: 1}; tc.fill(w) })
			if len(w.Asked) == 0 || len(w.Control) != tc.least {
				t.Fatalf("%d asked for, with %q", len(w.Asked), w.Control)
			}
			for _, ref := range w.Control {
				if !strings.HasPrefix(ref, tc.control) {
					t.Errorf("%s is a control", ref)
				}
			}
		})
	}
	t.Run("nothing was read", func(t *testing.T) {
		n := newNight(t)
		n.good(func(w *world) { w.Components(10, "fine") })
		w := newWorld(t)
		w.o.State = n.Store()
		if _, err := w.run(t); len(w.Asked) > 0 || !errors.As(err, new(*fault.Refusal)) {
			t.Errorf("%d asked for, %v", len(w.Asked), err)
		}
	})
}

// TestStaleCounts: a count from before the last run is not the sink's current content.
func TestStaleCounts(t *testing.T) {
	n := newNight(t)
	said := func(w *world) { w.Holdings = component.Holdings{Streams: map[string]int{"users": 2, "documents": 200}} }
	n.approved(func(w *world) { w.Components(100, "fine"); said(w) })
	n.good(func(w *world) { w.Components(100, "fine"); said(w) })
	if _, _, err := n.run(func(w *world) {
		w.Components(100, "fine")
		w.Holdings = component.Holdings{Streams: map[string]int{"users": 2, "documents": 201}}
	}); err == nil {
		t.Error("the sink holds more than is remembered, and it goes")
	}
}

// TestUnconfirmedCounts: an unchanged count is stale only when all planned deletions were made;
// after a pause it is current.
func TestUnconfirmedCounts(t *testing.T) {
	n := newNight(t)
	said := func(w *world) {
		w.Components(100, "fine")
		w.Holdings = component.Holdings{Streams: map[string]int{"users": 2, "documents": 200}}
	}
	_, _, err := n.run(said)
	id := idOf(err)
	_, _, err = n.run(func(w *world) {
		said(w)
		w.o.Approve = []string{id}
		w.Listed = func() *component.UploadHistory {
			return &component.UploadHistory{By: "Glean",
				Uploads: []component.ListedUpload{{Stream: "documents", ID: "upload-" + w.o.RunID,
					Stage: component.UploadDeletionPaused}}}
		}
	})
	if !errors.As(err, new(*fault.Unconfirmed)) {
		t.Fatal(err)
	}
	if _, _, err := n.run(said); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("the next run: %v", err)
	}
}

// TestUnknownStream: a stream that no good run has written is not known to be empty.
func TestUnknownStream(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) {
		w.P.Unwritten = func(stream string) string {
			if stream == "documents" {
				return "not in --only"
			}
			return ""
		}
	})
	_, report, err := n.run(func(w *world) { w.Components(10, "dropped") })
	if !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("nothing is left of what is not known: %v", err)
	}
	if report.Since != nil {
		t.Errorf("documents were compared with %+v", report.Since)
	}
}

// TestRefusedGroup: a group that the sink refuses loses its members, and they are not recorded
// as delivered.
func TestRefusedGroup(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) {
		w.Components(100, "fine")
		w.Teams = append(w.Teams, append([]string{"user:default/ann"}, manyNames(40)...))
	}
	n.good(fill)
	if _, _, err := n.run(func(w *world) {
		fill(w)
		w.Refusals["user:default/ann"] = "no"
	}); err == nil || !strings.Contains(err.Error(), "more than the guards allow") {
		t.Errorf("40 members went: %v", err)
	}
}

// TestRefusedGroupIsNoMember: the members of a group that the sink refuses are counted as
// members, not as groups.
func TestRefusedGroupIsNoMember(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) {
		w.Components(10, "fine")
		w.Teams = append(w.Teams, append([]string{"user:default/ann"}, manyNames(30)...))
		for i := range 20 {
			w.Teams = append(w.Teams, append([]string{fmt.Sprint("group:default/g", i)}, manyNames(10)...))
		}
		w.P.Limits.MaxRejected = component.Bound{Share: 1}
	}
	n.good(fill)
	n.good(func(w *world) { fill(w); w.Refusals["user:default/ann"] = "no" })
}

// TestRefusedWhilePublishing: each guard that the sink's refusals can exceed leaves the upload
// unfinished.
func TestRefusedWhilePublishing(t *testing.T) {
	lenient := component.Bound{Share: 1}
	for name, tc := range map[string]struct {
		rejected, loss component.Bound
		refused        int
		within         bool
	}{
		"within both":           {component.Bound{Items: 5}, component.Bound{Items: 5}, 5, true},
		"beyond max_rejected":   {component.Bound{Items: 5}, lenient, 6, false},
		"beyond max_loss":       {lenient, component.Bound{Items: 5}, 6, false},
		"within both, but all":  {lenient, lenient, 100, false},
		"within both, but 99 %": {lenient, lenient, 99, true},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			fill := func(w *world) { w.Components(100, "fine") }
			n.good(fill)
			w, _, err := n.run(func(w *world) {
				fill(w)
				w.P.Limits.MaxRejected, w.P.Limits.MaxLoss = tc.rejected, tc.loss
				for i := range tc.refused {
					w.Refusals[fmt.Sprintf("component:default/c%03d", i)] = "no"
				}
			})
			if tc.within != (err == nil) || !tc.within && !strings.Contains(err.Error(), "more than the guards allow") {
				t.Errorf("%v", err)
			}
			if tc.within && len(w.Published["documents"]) != 100-tc.refused {
				t.Errorf("%d published", len(w.Published["documents"]))
			}
		})
	}
}

// TestRefusedOnAFirstRun: a run is refused when the sink refuses every document, even when
// there was nothing before and the limits would allow so few rejections.
func TestRefusedOnAFirstRun(t *testing.T) {
	for refused, within := range map[int]bool{0: true, 4: true, 5: false} {
		n := newNight(t)
		_, _, err := n.run(func(w *world) {
			w.Components(5, "fine")
			for i := range refused {
				w.Refusals[fmt.Sprintf("component:default/c%03d", i)] = "no"
			}
		})
		if within != (err == nil) || !within && !strings.Contains(err.Error(), "the sink refused 5 of 5 documents") {
			t.Errorf("%d of 5 were refused: %v", refused, err)
		}
	}
}

// TestRefusedOfALargeFirstRun: when there was nothing before, nothing is lost: the sink's
// refusals are measured only by what is sent.
func TestRefusedOfALargeFirstRun(t *testing.T) {
	for refused, within := range map[int]bool{30: true, 41: false} {
		n := newNight(t)
		_, _, err := n.run(func(w *world) {
			w.Components(200, "fine")
			for i := range refused {
				w.Refusals[fmt.Sprintf("component:default/c%03d", i)] = "no"
			}
		})
		if within != (err == nil) {
			t.Errorf("%d of 200 were refused: %v", refused, err)
		}
	}
}

// TestRefusedInAdditionToLosses: the sink's refusals are added to other losses, and are measured both
// by what is sent and by what was there.
func TestRefusedInAdditionToLosses(t *testing.T) {
	for name, tc := range map[string]struct {
		before, after, refused int
		within                 bool
	}{
		"15 deleted, 5 refused":                    {100, 85, 5, true},
		"15 deleted, 15 refused":                   {100, 85, 15, false},
		"100 deleted, 20 of the other 100 refused": {200, 100, 20, true},
		"100 deleted, 25 of the other 100 refused": {200, 100, 25, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(func(w *world) { w.Components(tc.before, "fine") })
			fill := func(w *world) { w.Components(tc.after, "fine"); w.P.Limits.MaxRejected = component.Bound{Share: 1} }
			var ids []string
			if tc.before-tc.after > 20 {
				ids = append(ids, n.refusedID(fill))
			}
			_, _, err := n.run(func(w *world) {
				with(fill, ids...)(w)
				for i := range tc.refused {
					w.Refusals[fmt.Sprintf("component:default/c%03d", i)] = "no"
				}
			})
			if tc.within != (err == nil) || !tc.within && !strings.Contains(err.Error(), "more than the guards allow") {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestAllRejected: a run that rejects everything is refused, regardless of the limits in the
// file.
func TestAllRejected(t *testing.T) {
	w := newWorld(t)
	w.P.Limits.MaxRejected = component.Bound{Share: 1}
	w.Components(5, "broken")
	_, err := w.run(t)
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.Guard != "max_rejected" || refused.ID != "" {
		t.Errorf("%v", err)
	}
}

// TestSinkHoldsMore: losses by ID are a share of the larger of the baseline and the sink's
// count.
func TestSinkHoldsMore(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(100, "fine") })
	n.good(func(w *world) {
		w.Components(75, "fine")
		renamed(w, 100)
		w.Holdings = component.Holdings{Streams: map[string]int{"users": 2, "documents": 200},
			Types: map[string]map[string]int{"documents": {"component": 200}}}
	})
}

// TestHiddenLately: the sink's count may still include recently hidden items.
func TestHiddenLately(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(100, "fine") })
	s, err := baseline.Open(n.Store(), fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	var hidden []baseline.Hidden
	for i := range 30 {
		hidden = append(hidden, baseline.Hidden{Ref: fmt.Sprintf("component:default/c%03d", i), At: time.Now()})
	}
	if err := s.UpdateHidden(func([]baseline.Hidden) ([]baseline.Hidden, error) { return hidden, nil }); err != nil {
		t.Fatal(err)
	}
	for _, types := range []map[string]map[string]int{nil, {"documents": {"component": 100}}} {
		n.good(func(w *world) {
			w.Components(100, "fine")
			w.Holdings = component.Holdings{Streams: map[string]int{"users": 2, "documents": 100}, Types: types}
			w.o.Until = Reviewed
		})
	}
}

// TestRefusedIsNotRecorded: items that the sink refused are not recorded as delivered.
func TestRefusedIsNotRecorded(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(100, "fine"); w.Refusals["component:default/c007"] = "too long" })
	_, report := n.good(func(w *world) { w.Components(100, "fine") })
	if ch := report.Streams[1].Changes; ch.Before != 99 || ch.Added != 1 || ch.Gone != 0 {
		t.Errorf("compared with %+v", ch)
	}
}
