package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// night is a company over several runs that remember one another.
type night struct {
	t   *testing.T
	dir string
}

// run runs a world that make fills, after what every run has.
func (n night) run(fill func(w *world)) (*world, *Report, error) {
	n.t.Helper()
	w := newWorld(n.t)
	w.o.State = n.dir
	fill(w)
	w.add("identities", "user", "sam", "fine")
	w.add("identities", "user", "ann", "fine")
	report, err := w.run(n.t)
	return w, report, err
}

// good runs what has to be delivered.
func (n night) good(fill func(w *world)) (*world, *Report) {
	n.t.Helper()
	w, report, err := n.run(fill)
	if err != nil {
		n.t.Fatal(err)
	}
	return w, report
}

func components(w *world, n int, fate string) {
	for i := range n {
		w.add("catalog", "component", fmt.Sprintf("c%03d", i), fate)
	}
}

type lossCase struct {
	before, after func(w *world)
	loss          int      // that has to be approved, 0 when it passes
	table         []string // of the refusal
}

// of is the stream that loses.
func (c lossCase) of() string {
	if len(c.table) > 0 && strings.HasPrefix(c.table[0], "members") {
		return "members"
	}
	return "documents"
}

// TestNoMassDeletion is invariant 4 by id: what the last good run delivered and
// this one would not is counted, whatever the net number is.
func TestNoMassDeletion(t *testing.T) {
	before := func(w *world) { components(w, 100, "fine") }
	for name, tc := range map[string]lossCase{
		"nothing changes":          {before, before, 0, nil},
		"twenty may always go":     {before, func(w *world) { components(w, 80, "fine") }, 0, nil},
		"a quarter is gone":        {before, func(w *world) { components(w, 75, "fine") }, 25, []string{"documents, gone from the source: 25", "component:default/c075, ", " and 15 more"}},
		"a quarter is filtered":    {before, func(w *world) { components(w, 100, "fine"); fates1(w, 30, "dropped") }, 30, []string{"documents, filtered: unwanted: 30"}},
		"a quarter is withheld":    {before, func(w *world) { components(w, 100, "fine"); fates1(w, 30, "private") }, 30, []string{"documents, withheld: rule private: for nobody: 30"}},
		"a quarter is rejected":    {before, func(w *world) { components(w, 100, "fine"); fates1(w, 30, "rule error") }, 30, []string{"documents, rejected: permissions: 30"}},
		"as many others come":      {before, func(w *world) { renamed(w, 100) }, 100, []string{"documents                    100 before     100 would go"}},
		"a type goes":              {func(w *world) { components(w, 100, "fine"); apis(w, 6) }, before, 6, []string{"documents api"}},
		"five of a type may go":    {func(w *world) { components(w, 100, "fine"); apis(w, 5) }, before, 0, nil},
		"all members go":           {func(w *world) { before(w); team(w, 5) }, func(w *world) { before(w); team(w, 0) }, 5, []string{"members", "filled members"}},
		"a member goes":            {func(w *world) { before(w); team(w, 5) }, func(w *world) { before(w); team(w, 4) }, 0, nil},
		"all but one of a few go":  {func(w *world) { components(w, 10, "fine") }, func(w *world) { components(w, 1, "fine") }, 0, nil},
		"what was withheld leaves": {func(w *world) { components(w, 100, "fine"); fates1(w, 50, "private") }, func(w *world) { renamedFrom(w, 50, 100) }, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			n := night{t, t.TempDir()}
			n.good(tc.before)
			w, report, err := n.run(tc.after)
			if tc.loss == 0 {
				if err != nil {
					t.Fatalf("%v\n%s", err, strings.Join(tableOf(err), "\n"))
				}
				return
			}
			var refused *Refusal
			if !errors.As(err, &refused) || refused.Guard != "guards.max_loss" || w.sent() || report.Sent {
				t.Fatalf("error %v, sent %v", err, w.sent())
			}
			if line := fmt.Sprintf("--approve-loss %s=%d", tc.of(), tc.loss); !strings.HasSuffix(refused.Remedy, line) {
				t.Errorf("remedy %q, want %s", refused.Remedy, line)
			}
			for _, text := range tc.table {
				if !strings.Contains(strings.Join(refused.Table, "\n"), text) {
					t.Errorf("the table has no %q:\n%s", text, strings.Join(refused.Table, "\n"))
				}
			}
			if _, _, err := n.run(func(w *world) { tc.after(w); w.o.Approvals.Loss = map[string]int{tc.of(): tc.loss - 1} }); err == nil {
				t.Error("one fewer was enough")
			}
			w, _ = n.good(func(w *world) { tc.after(w); w.o.Approvals.Loss = map[string]int{tc.of(): tc.loss} })
			if s := w.plan.Stream("documents"); !s.Cleared {
				t.Error("the sink is not told that the guard has passed")
			}
			n.good(tc.after) // once approved it is as it should be
		})
	}
}

func tableOf(err error) []string {
	var refused *Refusal
	if errors.As(err, &refused) {
		return refused.Table
	}
	return nil
}

// fates1 gives the first n components another fate.
func fates1(w *world, n int, fate string) {
	all := w.records["catalog"]
	w.records["catalog"] = nil
	components(w, n, fate)
	w.records["catalog"] = append(w.records["catalog"], all[n:]...)
	w.p.Limits.MaxRejected = Bound{Share: 1}
}

func renamed(w *world, n int) {
	for i := range n {
		w.add("catalog", "component", fmt.Sprintf("other%d", i), "fine")
	}
}

func renamedFrom(w *world, from, to int) {
	components(w, to, "fine")
	w.records["catalog"] = w.records["catalog"][from:]
}

func apis(w *world, n int) {
	for i := range n {
		w.add("catalog", "api", fmt.Sprint("a", i), "fine")
	}
}

func team(w *world, members int) {
	g := []string{"group:default/team"}
	for i := range members {
		g = append(g, fmt.Sprint("user", i))
	}
	w.teams = append(w.teams, g)
}

type widenCase struct {
	before, after func(w *world)
	wider         int
	table         string
}

// towards is the class that finds more.
func (c widenCase) towards() string {
	if strings.Contains(c.table, "all-users") {
		return "all-users"
	}
	return "listed"
}

// TestNoMassExposure is invariant 5: documents that were there before and would
// be found by more people.
func TestNoMassExposure(t *testing.T) {
	of := func(fate string, n int) func(*world) {
		return func(w *world) { components(w, 100, "fine"); fates1(w, n, fate) }
	}
	for name, tc := range map[string]widenCase{
		"as it was":                  {of("of sam", 50), of("of sam", 50), 0, ""},
		"narrower":                   {of("fine", 50), of("of sam", 50), 0, ""},
		"one of two leaves":          {of("of sam and ann", 50), of("of sam", 50), 0, ""},
		"twenty become everybody's":  {of("of sam", 50), of("of sam", 30), 0, ""},
		"more become everybody's":    {of("of sam", 50), of("of sam", 29), 21, "default: listed → all-users, 21"},
		"one person more":            {of("of sam", 50), of("of sam and ann", 50), 50, "owners: listed → more of them, 50"},
		"withheld ones come to some": {of("private", 50), of("of sam", 50), 50, "owners: nobody → listed, 50"},
		"a flipped default":          {of("private", 50), of("fine", 50), 50, "default: nobody → all-users, 50"},
		"new ones do not count":      {of("of sam", 50), func(w *world) { of("of sam", 50)(w); renamed(w, 100) }, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := night{t, t.TempDir()}
			n.good(func(w *world) { tc.before(w); w.o.Approvals.Loss = map[string]int{"documents": 100} })
			after := func(w *world) { tc.after(w); w.o.Approvals.Loss = map[string]int{"documents": 100} }
			w, report, err := n.run(after)
			if tc.wider == 0 {
				if err != nil {
					t.Fatalf("%v\n%s", err, strings.Join(tableOf(err), "\n"))
				}
				return
			}
			var refused *Refusal
			if !errors.As(err, &refused) || refused.Guard != "guards.max_widen" || w.sent() {
				t.Fatalf("error %v, sent %v", err, w.sent())
			}
			if !strings.HasSuffix(refused.Remedy, fmt.Sprintf("--approve-widen %s=%d", tc.towards(), tc.wider)) || !slices.ContainsFunc(refused.Table, func(l string) bool { return strings.Contains(l, tc.table) }) {
				t.Errorf("%s\n%s", refused.Remedy, strings.Join(refused.Table, "\n"))
			}
			if report.Since == nil || report.Since.Wider != tc.wider {
				t.Errorf("reported %+v", report.Since)
			}
			if _, _, err := n.run(func(w *world) { after(w); w.o.Approvals.Widen = map[string]int{tc.towards(): tc.wider - 1} }); err == nil {
				t.Error("one fewer was enough")
			}
			n.good(func(w *world) { after(w); w.o.Approvals.Widen = map[string]int{tc.towards(): tc.wider} })
			n.good(after)
		})
	}
}

// TestBothGuards: a person learns of both at once.
func TestBothGuards(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) { components(w, 100, "of sam") })
	_, _, err := n.run(func(w *world) { components(w, 60, "fine") })
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Also == nil || refused.Also.Guard != "guards.max_widen" {
		t.Errorf("%v", err)
	}
}

// TestDryRemembersNothing: only what was delivered is compared with, and a
// refused or failed run leaves what was remembered.
func TestOnlyGoodRuns(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) { components(w, 100, "fine") })
	n.run(func(w *world) { components(w, 90, "fine"); w.o.Dry = true })
	n.run(func(w *world) { components(w, 90, "fine"); w.store.fail["publish"] = errors.New("boom") })
	n.run(func(w *world) { components(w, 10, "fine") })
	_, report := n.good(func(w *world) { components(w, 85, "fine") })
	if ch := report.Streams[1].Changes; ch == nil || ch.Before != 100 || ch.Gone != 15 || ch.Same != 85 {
		t.Errorf("compared with %+v", ch)
	}
}

// TestOnlyOne: what a run does not write is remembered as it was.
func TestUnwrittenIsRemembered(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) { components(w, 100, "fine") })
	n.good(func(w *world) {
		components(w, 10, "fine")
		w.p.Unwritten = func(stream string) string {
			if stream == "documents" {
				return "not in --only"
			}
			return ""
		}
	})
	if _, _, err := n.run(func(w *world) { components(w, 10, "fine") }); err == nil {
		t.Error("90 documents went")
	}
}

// TestConfirmedAbsence: refs of the last good run that reading does not bring
// are asked for before they count as gone.
func TestConfirmedAbsence(t *testing.T) {
	for _, hold := range []int{1 << 20, 256} { // held, and while streaming
		n := night{t, t.TempDir()}
		n.good(func(w *world) { components(w, 100, "fine") })
		half := func(w *world) {
			w.p.Limits.HoldBytes = hold
			components(w, 100, "fine")
			w.hidden = w.records["catalog"][40:]
			w.records["catalog"] = w.records["catalog"][:40]
		}
		w, report := n.good(half)
		if len(w.published["documents"]) != 100 || len(w.asked) != 60 || report.Read != 102 {
			t.Errorf("hold %d: %d published, %d asked for, %d read", hold, len(w.published["documents"]), len(w.asked), report.Read)
		}
		if !strings.Contains(strings.Join(report.Notes, "\n"), "60 of 60 refs that reading component did not bring") {
			t.Errorf("notes %q", report.Notes)
		}
		w, _, err := n.run(func(w *world) { half(w); w.blind = true })
		if err == nil || w.sent() || !strings.Contains(err.Error(), "20 refs that were just read are not found") {
			t.Errorf("a blind source: %v", err)
		}
		w, _, err = n.run(func(w *world) { half(w); w.hidden = nil })
		if err == nil || w.sent() {
			t.Errorf("60 that are gone: %v", err)
		}
	}
}

// TestStaleCounts: what the sink said before the last run is not what it holds.
func TestStaleCounts(t *testing.T) {
	n := night{t, t.TempDir()}
	said := func(w *world) { w.holdings = Holdings{Streams: map[string]int{"users": 2, "documents": 200}} }
	n.good(func(w *world) {
		components(w, 100, "fine")
		said(w)
		w.o.Approvals.Loss = map[string]int{"documents": 100}
	})
	n.good(func(w *world) { components(w, 100, "fine"); said(w) })
	if _, _, err := n.run(func(w *world) {
		components(w, 100, "fine")
		w.holdings = Holdings{Streams: map[string]int{"users": 2, "documents": 201}}
	}); err == nil {
		t.Error("the sink holds more than is remembered, and it goes")
	}
}

// TestOneAtATime: a second run of the same place ends with who holds it; a dry
// run may look.
func TestOneAtATime(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) {
		components(w, 10, "fine")
		w.company.fail = func(phase string, page int) error {
			if phase == "catalog" && page == 0 {
				_, _, err := n.run(func(w *world) { components(w, 10, "fine") })
				var held *Held
				if !errors.As(err, &held) || held.Since.IsZero() || !strings.Contains(held.Holder, w.o.RunID) {
					t.Errorf("the second: %v", err)
				}
				if _, _, err := n.run(func(w *world) { components(w, 10, "fine"); w.o.Dry = true }); err != nil {
					t.Errorf("a dry run: %v", err)
				}
			}
			return nil
		}
	})
	n.good(func(w *world) { components(w, 10, "fine") })
}

// TestUnconfirmedCounts: what a sink said it holds is stale only when all that
// was to go has gone; after a pause the same number again is news.
func TestUnconfirmedCounts(t *testing.T) {
	n := night{t, t.TempDir()}
	said := func(w *world) {
		components(w, 100, "fine")
		w.holdings = Holdings{Streams: map[string]int{"users": 2, "documents": 200}}
	}
	_, _, err := n.run(func(w *world) {
		said(w)
		w.o.Approvals.Loss = map[string]int{"documents": 100}
		w.store.fail["publish"] = &Unconfirmed{Reason: "deletion is paused"}
	})
	if !errors.As(err, new(*Unconfirmed)) {
		t.Fatal(err)
	}
	if _, _, err := n.run(said); !errors.As(err, new(*Refusal)) {
		t.Errorf("the next run: %v", err)
	}
}

// TestRefusedIsNotRemembered: what the sink refused was not delivered.
func TestRefusedIsNotRemembered(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) { components(w, 100, "fine"); w.refuse["component:default/c007"] = "too long" })
	_, report := n.good(func(w *world) { components(w, 100, "fine") })
	if ch := report.Streams[1].Changes; ch.Before != 99 || ch.Added != 1 || ch.Gone != 0 {
		t.Errorf("compared with %+v", ch)
	}
}

// TestTowardsEverybody: more than twenty documents that become everybody's are
// refused, however small a share they are.
func TestTowardsEverybody(t *testing.T) {
	n := night{t, t.TempDir()}
	lenient := func(open int) func(*world) {
		return func(w *world) {
			components(w, 100, "of sam")
			fates1(w, open, "fine")
			w.p.Limits.MaxWiden = Bound{Share: 1}
		}
	}
	n.good(lenient(0))
	n.good(lenient(20))
	if _, _, err := n.run(lenient(41)); !errors.As(err, new(*Refusal)) {
		t.Errorf("21 documents: %v", err)
	}
}

// TestAwayAndBack: what was away for some nights, for whatever reason, is no new
// document when it comes back (invariant 5).
func TestAwayAndBack(t *testing.T) {
	for name, fate := range map[string]string{"withheld": "private", "listed": "of sam"} {
		for away, spoil := range map[string]func(w *world){
			"gone":     func(w *world) { w.records["catalog"] = w.records["catalog"][50:] },
			"filtered": func(w *world) { fates1(w, 50, "dropped") },
			"rejected": func(w *world) { fates1(w, 50, "rule error") },
			"unmapped": func(w *world) { fates1(w, 50, "unmapped") },
		} {
			t.Run(name+" and "+away, func(t *testing.T) {
				n := night{t, t.TempDir()}
				n.good(func(w *world) { components(w, 100, "fine"); fates1(w, 50, fate) })
				for range 3 {
					n.good(func(w *world) {
						components(w, 100, "fine")
						spoil(w)
						w.o.Approvals.Loss = map[string]int{"documents": 100}
					})
				}
				_, _, err := n.run(func(w *world) { components(w, 100, "fine") })
				var refused *Refusal
				if !errors.As(err, &refused) || refused.Guard != "guards.max_widen" {
					t.Errorf("50 come back for everybody: %v", err)
				}
				n.good(func(w *world) { components(w, 100, "fine"); fates1(w, 50, fate) })
			})
		}
	}
}

// TestSameIDAnotherRef: a document is told apart by its ID as well.
func TestSameIDAnotherRef(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) { w.store.ids = true; components(w, 100, "of sam") })
	_, _, err := n.run(func(w *world) {
		w.store.ids = true
		renamed(w, 100)
	})
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Guard != "guards.max_widen" {
		t.Errorf("%v", err)
	}
}

// TestApprovalIsForOneThing: what was allowed for one stream or class is not
// spent on another.
func TestApprovalIsForOneThing(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) { components(w, 100, "of sam"); team(w, 50) })
	if _, _, err := n.run(func(w *world) {
		components(w, 10, "of sam")
		team(w, 50)
		w.o.Approvals.Loss = map[string]int{"members": 1000, "users": 1000}
	}); err == nil {
		t.Error("members were allowed, and documents went")
	}
	if _, _, err := n.run(func(w *world) {
		components(w, 100, "fine")
		team(w, 50)
		w.o.Approvals.Widen = map[string]int{"listed": 1000, "datasource-users": 1000}
	}); err == nil {
		t.Error("some people were allowed, and everybody came")
	}
}

// TestUnknownStream: what no good run has written is not known to be empty.
func TestUnknownStream(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) {
		w.p.Unwritten = func(stream string) string {
			if stream == "documents" {
				return "not in --only"
			}
			return ""
		}
	})
	_, report, err := n.run(func(w *world) { components(w, 10, "dropped") })
	if !errors.As(err, new(*Refusal)) {
		t.Errorf("nothing is left of what is not known: %v", err)
	}
	if report.Since != nil {
		t.Errorf("documents were compared with %+v", report.Since)
	}
}

// TestRefusedGroup: a group that the sink refuses loses its members, and they
// are not remembered as delivered.
func TestRefusedGroup(t *testing.T) {
	n := night{t, t.TempDir()}
	fill := func(w *world) {
		components(w, 100, "fine")
		w.teams = append(w.teams, append([]string{"user:default/ann"}, manyNames(40)...))
	}
	n.good(fill)
	if _, _, err := n.run(func(w *world) { fill(w); w.refuse["user:default/ann"] = "no" }); err == nil || !strings.Contains(err.Error(), "more than the guards allow") {
		t.Errorf("40 members went: %v", err)
	}
}

func manyNames(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint("user", i))
	}
	return out
}

// TestWithheldIsRenamed: what was withheld is told apart by the ID that it would
// have had, too, and by what it had before.
func TestWithheldIsRenamed(t *testing.T) {
	for name, before := range map[string][]string{"withheld": {"private"}, "listed, then withheld": {"of sam", "private"}} {
		t.Run(name, func(t *testing.T) {
			n := night{t, t.TempDir()}
			allow := map[string]int{"documents": 1000}
			for _, fate := range before {
				n.good(func(w *world) {
					w.store.digits = true
					components(w, 200, fate)
					fates1(w, 100, "fine")
					w.o.Approvals.Loss = allow
				})
			}
			_, _, err := n.run(func(w *world) {
				w.store.digits = true
				components(w, 100, "fine")
				for i := 100; i < 200; i++ {
					w.add("catalog", "component", fmt.Sprintf("renamed%03d", i), "fine")
				}
				w.o.Approvals.Loss = allow
			})
			var refused *Refusal
			if !errors.As(err, &refused) || refused.Guard != "guards.max_widen" {
				t.Errorf("%v", err)
			}
		})
	}
}
