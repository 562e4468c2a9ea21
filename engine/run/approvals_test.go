package run

import (
	"errors"
	"fmt"
	"os"
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

// TestFindApprovals: what the approvals on the command line and in the state folder allow, or
// why they allow nothing.
func TestFindApprovals(t *testing.T) {
	changes := fake.Gone("a", "b")
	id := fault.Digest(changes)
	approved := func(ago time.Duration) func(n night) {
		return func(n night) {
			if err := n.Baseline().Approve(baseline.Approval{ID: id, At: time.Now().Add(-ago)}); err != nil {
				n.T.Fatal(err)
			}
		}
	}
	used := func(n night) {
		if err := n.Baseline().Approve(baseline.Approval{ID: id, At: time.Now(), UsedBy: "01RUN",
			UsedAt: time.Now()}); err != nil {
			n.T.Fatal(err)
		}
	}
	refused := func(n night) {
		if err := n.Baseline().Refuse(baseline.Refusal{ID: id, At: time.Now(), Changes: changes}); err != nil {
			n.T.Fatal(err)
		}
	}
	damaged := func(suffix string) func(n night) { return func(n night) { n.Damage(suffix + id) } }
	const (
		none  = ""
		list  = "2 changes"
		exact = "no list"
	)
	for name, tc := range map[string]struct {
		stored         []func(n night)
		called, stores string // the result with the ID on the command line, and without
	}{
		"nothing":                      {nil, exact, none},
		"a refusal":                    {[]func(n night){refused}, list, none},
		"an approval":                  {[]func(n night){refused, approved(0)}, list, list},
		"an approval without its list": {[]func(n night){approved(0)}, exact, exact},
		"of 23 hours ago":              {[]func(n night){refused, approved(23 * time.Hour)}, list, list},
		"of 25 hours ago":              {[]func(n night){refused, approved(25 * time.Hour)}, list, "has expired"},
		"of 47 hours ago":              {[]func(n night){refused, approved(47 * time.Hour)}, list, "has expired"},
		"of 49 hours ago":              {[]func(n night){refused, approved(49 * time.Hour)}, list, none},
		"59 minutes ahead":             {[]func(n night){refused, approved(-59 * time.Minute)}, list, list},
		"61 minutes ahead":             {[]func(n night){refused, approved(-61 * time.Minute)}, list, "in the future"},
		"a used approval":              {[]func(n night){refused, used}, "was used by run 01RUN", none},
		"a damaged approval": {[]func(n night){refused, approved(0), damaged(".approval-")}, "cannot be used",
			"cannot be read"},
		"a damaged list": {[]func(n night){refused, damaged(".refusal-"), approved(0)}, "cannot be used",
			"cannot be used"},
		"a used approval, damaged list": {[]func(n night){refused, damaged(".refusal-"), used}, "was used by run 01RUN",
			none},
		"a damaged approval and no list": {[]func(n night){approved(0), damaged(".approval-")}, "cannot be used",
			"cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			for _, store := range tc.stored {
				store(n)
			}
			for _, call := range []struct {
				ids  []string
				want string
			}{{[]string{id}, tc.called}, {[]string{id, id}, tc.called}, {nil, tc.stores}} {
				r := &run{store: n.Baseline(), p: &component.Pipeline{}, o: Options{Approve: call.ids}}
				found := r.findApprovals()
				if call.want == none {
					if len(found) > 0 {
						t.Errorf("called %v: found %+v", call.ids, found)
					}
					continue
				}
				if len(found) != 1 || found[0].ID != id || found[0].Called != (call.ids != nil) {
					t.Errorf("called %v: found %+v", call.ids, found)
					continue
				}
				got := found[0].Void
				switch {
				case got == "" && found[0].Changes == nil:
					got = exact
				case got == "":
					got = fmt.Sprintf("%d changes", len(found[0].Changes))
				}
				if !strings.Contains(got, call.want) {
					t.Errorf("called %v: %q, want %q", call.ids, got, call.want)
				}
			}
		})
	}
	stateless := &run{p: &component.Pipeline{}, o: Options{Approve: []string{"a", "b"}}}
	if found := stateless.findApprovals(); len(found) != 2 || found[0].Void+found[1].Void != "" {
		t.Errorf("without a state folder: %+v", found)
	}
}

// TestStoreRefusal: a refusal with an ID is stored with the changes of all guards. A refusal
// whose ID was used says so, and one that cannot be stored reports the consequence.
func TestStoreRefusal(t *testing.T) {
	a, b := fake.Gone("a"), fake.Gone("b")
	id := fault.Digest(slices.Concat(a, b))
	refusal := func(id string) *fault.Refusal {
		return &fault.Refusal{Guard: "one", Reason: "first", ID: id, Changes: a,
			Also: &fault.Refusal{Guard: "two", Reason: "second", ID: id, Changes: b}}
	}
	for name, tc := range map[string]struct {
		err                   error
		before                func(s *baseline.Store) error // may be nil
		stored, used, noticed bool
	}{
		"not a refusal": {err: errors.New("boom")},
		"without an ID": {err: refusal("")},
		"stored":        {err: refusal(id), stored: true},
		"approved, not used": {err: refusal(id), before: func(s *baseline.Store) error {
			return s.Approve(baseline.Approval{ID: id, At: time.Now()})
		}, stored: true},
		"used": {err: refusal(id), before: func(s *baseline.Store) error {
			return s.Approve(baseline.Approval{ID: id, At: time.Now(), UsedBy: "01RUN"})
		}, stored: true, used: true},
		"used under another ID": {err: refusal(id), before: func(s *baseline.Store) error {
			return s.Approve(baseline.Approval{ID: "aaaaaaaaaaaa", At: time.Now(), UsedBy: "01RUN"})
		}, stored: true},
		"cannot be stored": {err: refusal(id), before: func(s *baseline.Store) error {
			return os.Mkdir(strings.TrimSuffix(s.HiddenFile(), ".hidden")+".refusal-"+id, 0o700)
		}, noticed: true},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			r := &run{store: n.Baseline(), p: &component.Pipeline{Name: "test"}, o: Options{RunID: "01REFUSED"}}
			if tc.before != nil {
				if err := tc.before(r.store); err != nil {
					t.Fatal(err)
				}
			}
			r.storeRefusal(tc.err)
			got, err := r.store.Refusal(id)
			if stored := err == nil; stored != tc.stored {
				t.Fatalf("stored %t: %v", stored, err)
			}
			if tc.stored &&
				(len(got.Changes) != 2 || !slices.Equal(got.Reasons, []string{"one: first", "two: second"}) ||
					got.Run != "01REFUSED" || got.Pipeline != "test") {
				t.Errorf("%+v", got)
			}
			files, err := os.ReadDir(n.Dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if strings.Contains(f.Name(), "refusal") && !tc.stored && !tc.noticed {
					t.Errorf("%s was written", f.Name())
				}
			}
			if refused, _ := tc.err.(*fault.Refusal); refused != nil {
				if refused.Used != tc.used || refused.Also.Used != tc.used {
					t.Errorf("used: %t and %t", refused.Used, refused.Also.Used)
				}
				if noticed := strings.Contains(strings.Join(refused.Approvals, " "), "was not stored"); noticed != tc.noticed {
					t.Errorf("%q", refused.Approvals)
				}
			}
		})
	}
	(&run{}).storeRefusal(refusal(id)) // without a state folder
}

// TestNoteApprovals: the report names the approvals that allowed the run, and those on the
// command line that it did not need.
func TestNoteApprovals(t *testing.T) {
	for name, tc := range map[string]struct {
		approvals   []guard.Approval
		used, notes []string
	}{
		"none":             {nil, nil, nil},
		"stored, not used": {[]guard.Approval{{ID: "x"}}, nil, nil},
		"stored, used":     {[]guard.Approval{{ID: "x"}}, []string{"x"}, []string{"allowed by approval x"}},
		"called, not used": {[]guard.Approval{{ID: "x", Called: true}}, nil, []string{"approval x was not needed"}},
		"called, used":     {[]guard.Approval{{ID: "x", Called: true}}, []string{"x"}, []string{"allowed by approval x"}},
		"one is not needed": {[]guard.Approval{{ID: "x", Called: true}, {ID: "y", Called: true}, {ID: "z"}},
			[]string{"y", "z"}, []string{"approval x was not needed", "allowed by approval y, z"}},
	} {
		r := &run{report: &Report{}, reviewer: &guard.Review{Approvals: tc.approvals, Used: tc.used}}
		r.noteApprovals()
		if !slices.Equal(r.report.Notes, tc.notes) || !slices.Equal(r.report.Approved, tc.used) {
			t.Errorf("%s: %q, approved %v", name, r.report.Notes, r.report.Approved)
		}
	}
}

// TestSpend: a used approval that was stored keeps the name of the person who gave it; one from
// the command line is stored with the caller's name.
func TestSpend(t *testing.T) {
	n := newNight(t)
	const stored, called, unused = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"
	for _, id := range []string{stored, unused} {
		if err := n.Baseline().Approve(baseline.Approval{ID: id, At: time.Now(), By: "sam", Reason: "checked"}); err != nil {
			t.Fatal(err)
		}
	}
	r := &run{store: n.Baseline(), o: Options{RunID: "01RUN", By: "ann"},
		reviewer: &guard.Review{Used: []string{stored, called}}}
	if err := r.markApprovalsUsed(); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]baseline.Approval{
		stored: {By: "sam", Reason: "checked", UsedBy: "01RUN"}, called: {By: "ann", UsedBy: "01RUN"},
		unused: {By: "sam", Reason: "checked"},
	} {
		a, err := n.Baseline().Approval(id)
		if err != nil || a.By != want.By || a.Reason != want.Reason || a.UsedBy != want.UsedBy ||
			a.UsedAt.IsZero() != (want.UsedBy == "") {
			t.Errorf("%s: %+v, %v", id, a, err)
		}
	}
	if err := (&run{reviewer: r.reviewer}).markApprovalsUsed(); err != nil {
		t.Errorf("without a state folder: %v", err)
	}
}
