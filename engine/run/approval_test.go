package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// left returns a catalog of 200 components without the last n.
func left(n int) func(*world) {
	return func(w *world) { w.Components(200-n, "fine") }
}

// withoutSome returns a catalog of 200 components without those from one number to another.
func withoutSome(from, to int) func(*world) {
	return func(w *world) {
		w.Components(200, "fine")
		w.Records["catalog"] = slices.Delete(w.Records["catalog"], from, to)
	}
}

// refusedID runs a pipeline that must be refused with an ID, and returns the ID.
func (n night) refusedID(fill func(w *world)) string {
	n.T.Helper()
	w, _, err := n.run(fill)
	id := idOf(err)
	if id == "" || w.Sent() {
		n.T.Fatalf("not refused with an ID: %v", err)
	}
	return id
}

func with(fill func(w *world), ids ...string) func(w *world) {
	return func(w *world) { fill(w); w.o.Approve = ids }
}

// TestApprovalCovers: what the approval of a refusal of 62 losses allows.
func TestApprovalCovers(t *testing.T) {
	for name, tc := range map[string]struct {
		then    func(w *world)
		refused bool
	}{
		"exactly the listed ones":                      {left(62), false},
		"fewer":                                        {left(45), false},
		"15 more than the listed ones":                 {left(62 + 15), false},
		"50 more than the listed ones":                 {left(62 + 50), true},
		"50 others in place of the listed":             {withoutSome(0, 50), true},
		"62 others":                                    {withoutSome(0, 62), true},
		"some listed ones stay, with a wider audience": {func(w *world) { left(62)(w); fates1(w, 10, "of sam") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(left(0))
			id := n.refusedID(left(62))
			_, report, err := n.run(with(tc.then, id))
			if !tc.refused {
				if err != nil || !slices.Equal(report.Approved, []string{id}) {
					t.Errorf("%v, approved %v", err, report.Approved)
				}
				return
			}
			other := idOf(err)
			if other == "" || other == id || report.Sent {
				t.Fatalf("another ID than %s was wanted: %v", id, err)
			}
			n.good(with(tc.then, other))
		})
	}
}

// TestApprovalOfWidening: an approval covers documents with the audiences that it showed.
func TestApprovalOfWidening(t *testing.T) {
	fill := func(fate string) func(*world) {
		return func(w *world) { w.Components(100, "of sam"); fates1(w, 50, fate) }
	}
	n := newNight(t)
	n.good(fill("of sam"))
	some := n.refusedID(fill("of sam and ann"))
	if _, _, err := n.run(with(fill("fine"), some)); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("one more person was approved, and everybody finds them: %v", err)
	}
	n.good(with(fill("of sam and ann"), some))
}

// TestApprovalNeedsBothGuards: an ID covers the changes of all guards that refuse.
func TestApprovalNeedsBothGuards(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(200, "of sam") })
	loss := n.refusedID(func(w *world) { w.Components(100, "of sam") })
	both := func(w *world) { w.Components(100, "of sam"); fates1(w, 50, "fine") }
	if id := n.refusedID(with(both, loss)); id == loss {
		t.Error("the ID of the loss is that of both")
	}
	n.good(with(both, n.refusedID(both)))
}

// TestApprovalByTheSinksCount: losses that only the sink's count shows are covered up to the
// number that the approval showed.
func TestApprovalByTheSinksCount(t *testing.T) {
	said := func(documents, apis int) func(*world) {
		return func(w *world) {
			w.Components(1, "fine")
			w.Holdings = component.Holdings{Streams: map[string]int{"users": 2, "documents": documents},
				Types: map[string]map[string]int{"documents": {"api": apis}}}
		}
	}
	for name, tc := range map[string]struct {
		documents, apis int
		refused         bool
	}{
		"as shown":         {61, 40, false},
		"fewer":            {50, 30, false},
		"ten more":         {71, 40, false},
		"thirty more":      {91, 40, true},
		"thirty more apis": {91, 70, true},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			id := n.refusedID(said(61, 40))
			if _, _, err := n.run(with(said(tc.documents, tc.apis), id)); (err != nil) != tc.refused {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestApprovalIsForOneRun: a dry run and a failed run leave an approval unused; a complete run
// uses it.
func TestApprovalIsForOneRun(t *testing.T) {
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored=%t", stored), func(t *testing.T) {
			n := newNight(t)
			n.good(left(0))
			id := n.refusedID(left(62))
			approve, ids := func() {
				t.Helper()
				_, _, err := baseline.Approve(n.Store(), fake.Place, baseline.Approval{ID: id, At: time.Now(), By: "sam"})
				if err != nil {
					t.Fatal(err)
				}
			}, []string{id}
			if stored {
				approve()
				ids = nil
			}
			n.good(func(w *world) { with(left(62), ids...)(w); w.o.Until = Reviewed })
			if _, _, err := n.run(func(w *world) {
				with(left(62), ids...)(w)
				w.Store.Fail["publish"] = errors.New("boom")
			}); err == nil || errors.As(err, new(*fault.Refusal)) {
				t.Fatalf("the failing run: %v", err)
			}
			n.good(with(left(62), ids...))
			n.good(left(0)) // the documents return
			_, _, err := n.run(with(left(62), ids...))
			if idOf(err) != id {
				t.Fatalf("the approval was used, and the run ended with %v", err)
			}
			var refused *fault.Refusal
			if errors.As(err, &refused); !stored && !strings.Contains(strings.Join(refused.Approvals, " "), "was used by run") {
				t.Errorf("the refusal does not say that it was used: %q", refused.Approvals)
			}
			if _, _, err := n.run(with(left(62), id)); idOf(err) != id {
				t.Errorf("--approve works a second time: %v", err)
			}
			approve()
			n.good(left(62))
		})
	}
}

// TestApproveAfterUse: a used ID can be approved again only after another refused run.
func TestApproveAfterUse(t *testing.T) {
	n := newNight(t)
	n.good(left(0))
	id := n.refusedID(left(62))
	n.good(with(left(62), id))
	if _, _, err := baseline.Approve(n.Store(), fake.Place, baseline.Approval{ID: id, At: time.Now()}); err == nil ||
		!strings.Contains(err.Error(), "was used by run") {
		t.Errorf("approved again: %v", err)
	}
}

// TestApprovalTime: a stored approval is valid for 24 hours.
func TestApprovalTime(t *testing.T) {
	for age, refused := range map[time.Duration]bool{23 * time.Hour: false, 25 * time.Hour: true} {
		n := newNight(t)
		n.good(left(0))
		id := n.refusedID(left(62))
		a := baseline.Approval{ID: id, At: time.Now().Add(-age)}
		if _, _, err := baseline.Approve(n.Store(), fake.Place, a); err != nil {
			t.Fatal(err)
		}
		_, _, err := n.run(left(62))
		if (idOf(err) == id) != refused {
			t.Errorf("after %s: %v", age, err)
		}
		if r := new(fault.Refusal); refused &&
			(!errors.As(err, &r) || !strings.Contains(strings.Join(r.Approvals, " "), "expired")) {
			t.Errorf("the refusal does not say that the approval has expired: %v", err)
		}
	}
}

// TestApprovalElsewhere: without the stored list, an approval allows only a run with exactly
// the same changes.
func TestApprovalElsewhere(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"not stored": func(t *testing.T, path string) { os.Remove(path) },
		"damaged": func(t *testing.T, path string) {
			b, _ := os.ReadFile(path)
			os.WriteFile(path, b[:len(b)/2], 0o600)
		},
		"another list": func(t *testing.T, path string) {
			b, _ := os.ReadFile(path)
			os.WriteFile(path, []byte(strings.Replace(string(b), "c199", "c198", 1)), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := newNight(t), newNight(t)
			here.good(left(0))
			there.good(left(0))
			id := here.refusedID(left(62))
			if other := there.refusedID(left(62)); other != id {
				t.Fatalf("equal changes have the IDs %s and %s", id, other)
			}
			files, _ := filepath.Glob(filepath.Join(there.Dir, "*.refusal-"+id))
			if len(files) != 1 {
				t.Fatalf("stored as %v", files)
			}
			spoil(t, files[0])
			if _, _, err := baseline.Approve(there.Store(), fake.Place, baseline.Approval{ID: id, At: time.Now()}); err == nil {
				t.Error("approved without its list")
			}
			if _, _, err := there.run(with(left(61), id)); !errors.As(err, new(*fault.Refusal)) {
				t.Errorf("fewer changes: %v", err)
			}
			spoil(t, files[0])
			_, _, err := there.run(with(left(62), id))
			if damaged := name != "not stored"; damaged != errors.As(err, new(*fault.Refusal)) {
				t.Errorf("exactly these changes: %v", err)
			}
		})
	}
}

// TestApprovalWithoutState: with --state none, an approval allows only exactly the same
// changes.
func TestApprovalWithoutState(t *testing.T) {
	fill := func(documents int) func(*world) {
		return func(w *world) {
			w.Components(1, "fine")
			w.Holdings = component.Holdings{Streams: map[string]int{"users": 2, "documents": documents}}
		}
	}
	n := night{fake.Folder{T: t}}
	id := n.refusedID(fill(61))
	if _, _, err := n.run(with(fill(62), id)); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("one more: %v", err)
	}
	if _, _, err := n.run(with(fill(61), "aaaaaaaaaaaa")); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("another ID: %v", err)
	}
	n.good(with(fill(61), id))
}

// TestNoApproval: a refusal without changes has no ID, with or without a loss that could be
// approved.
func TestNoApproval(t *testing.T) {
	n := newNight(t)
	_, _, err := n.run(func(w *world) {
		w.Components(10, "dropped")
		w.Holdings = component.Holdings{Streams: map[string]int{"users": 200}}
	})
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.Guard != "empty stream" || refused.Also == nil || refused.ID != "" ||
		refused.Also.ID != "" {
		t.Errorf("%+v", refused)
	}
}

// TestApprovalOfMembers: an approval covers groups with the members that it showed.
func TestApprovalOfMembers(t *testing.T) {
	members := func(n int) func(*world) {
		return func(w *world) { w.Components(10, "fine"); team(w, n) }
	}
	n := newNight(t)
	n.good(members(60))
	id := n.refusedID(members(20))
	if refused, _, err := baseline.Refused(n.Store(), fake.Place, id); err != nil || len(refused.Changes) != 1 ||
		refused.Changes[0].N != 40 {
		t.Errorf("%v, listed %+v", err, refused)
	}
	if _, _, err := n.run(with(members(19), id)); !errors.As(err, new(*fault.Refusal)) {
		t.Errorf("another group than was shown: %v", err)
	}
	n.good(with(members(20), id))
}

// TestApprovedButRefusedBySink: documents that the sink refuses are lost in addition to the
// approved losses.
func TestApprovedButRefusedBySink(t *testing.T) {
	n := newNight(t)
	n.good(left(0))
	id := n.refusedID(left(62))
	_, _, err := n.run(func(w *world) {
		with(left(62), id)(w)
		w.P.Limits.MaxRejected = component.Bound{Share: 1}
		w.P.Limits.MaxLoss = component.Bound{Share: 0.05, Items: 5}
		for i := range 20 {
			w.Refusals[fmt.Sprintf("component:default/c%03d", i)] = "no"
		}
	})
	if err == nil || !strings.Contains(err.Error(), "more than the guards allow") {
		t.Errorf("%v", err)
	}
}

func TestCoverage(t *testing.T) {
	gone := fault.Change{Stream: "documents", ID: "1", Before: "listed:5", After: "gone", N: 1}
	cover := guard.NewCoverage([]fault.Change{gone, {Stream: "documents", After: "gone", N: 7},
		{Stream: "members", ID: "2", Before: "members:1", After: "members:2", N: 30}})
	change := func(edit func(*fault.Change)) fault.Change { c := gone; edit(&c); return c }
	for name, tc := range map[string]struct {
		change fault.Change
		left   int
	}{
		"listed":             {gone, 0},
		"with another ref":   {change(func(c *fault.Change) { c.Ref = "component:default/a" }), 0},
		"another ID":         {change(func(c *fault.Change) { c.ID = "2" }), 1},
		"another stream":     {change(func(c *fault.Change) { c.Stream = "users" }), 1},
		"another before":     {change(func(c *fault.Change) { c.Before = "listed:6" }), 1},
		"another after":      {change(func(c *fault.Change) { c.After = "all-users" }), 1},
		"a count":            {fault.Change{Stream: "documents", After: "gone", N: 7}, 0},
		"a smaller count":    {fault.Change{Stream: "documents", After: "gone", N: 5}, 0},
		"a larger count":     {fault.Change{Stream: "documents", After: "gone", N: 9}, 2},
		"a count of a type":  {fault.Change{Stream: "documents", Type: "api", After: "gone", N: 3}, 3},
		"members":            {fault.Change{Stream: "members", ID: "2", Before: "members:1", After: "members:2", N: 30}, 0},
		"other members left": {fault.Change{Stream: "members", ID: "2", Before: "members:1", After: "members:3", N: 30}, 30},
	} {
		if n := cover.Left(tc.change); n != tc.left {
			t.Errorf("%s: %d are left, want %d", name, n, tc.left)
		}
		if n := (*guard.Coverage)(nil).Left(tc.change); n != tc.change.N {
			t.Errorf("%s: nothing covers %d", name, n)
		}
	}
}

// TestApprovalOfAnEmptyStream: when the number of users is unknown, their deletion is approved
// as a whole, and the sink receives the approval.
func TestApprovalOfAnEmptyStream(t *testing.T) {
	fill := func(ids ...string) *world {
		w := newWorld(t)
		w.Components(10, "fine")
		w.o.Approve = ids
		return w
	}
	_, err := fill().run(t)
	id := idOf(err)
	if id == "" {
		t.Fatalf("not refused with an ID: %v", err)
	}
	w := fill(id)
	if _, err := w.run(t); err != nil || !w.Plan.Stream("users").Cleared || w.Plan.Stream("documents").Cleared {
		t.Errorf("%v, plan %+v", err, w.Plan)
	}
}

// TestDamagedApproval: a file that cannot be trusted allows nothing, and the refusal names it.
func TestDamagedApproval(t *testing.T) {
	for _, file := range []string{".approval-", ".refusal-"} {
		for _, called := range []bool{false, true} {
			n := newNight(t)
			n.good(left(0))
			id := n.refusedID(left(62))
			if _, _, err := baseline.Approve(n.Store(), fake.Place, baseline.Approval{ID: id, At: time.Now()}); err != nil {
				t.Fatal(err)
			}
			files, _ := filepath.Glob(filepath.Join(n.Dir, "*"+file+id))
			b, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			b[10] ^= 1
			if err := os.WriteFile(files[0], b, 0o600); err != nil {
				t.Fatal(err)
			}
			fill := left(62)
			if called {
				fill = with(left(62), id)
			}
			_, _, err = n.run(fill)
			var refused *fault.Refusal
			if !errors.As(err, &refused) || !strings.Contains(strings.Join(refused.Approvals, " "), "damaged") {
				t.Errorf("%s, called %t: %v", file, called, err)
			}
		}
	}
}

// TestApprovalOfTheFuture: a time in the future does not extend an approval.
func TestApprovalOfTheFuture(t *testing.T) {
	for ahead, allowed := range map[time.Duration]bool{time.Minute: true, 300 * 24 * time.Hour: false} {
		n := newNight(t)
		n.good(left(0))
		id := n.refusedID(left(62))
		if err := n.Baseline().Approve(baseline.Approval{ID: id, At: time.Now().Add(ahead)}); err != nil {
			t.Fatal(err)
		}
		_, _, err := n.run(left(62))
		if refused := new(*fault.Refusal); allowed != (err == nil) ||
			err != nil &&
				(!errors.As(err, refused) || !strings.Contains(strings.Join((*refused).Approvals, " "), "in the future")) {
			t.Errorf("%s ahead: %v", ahead, err)
		}
	}
}
