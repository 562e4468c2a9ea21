package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// TestRefusedByType: items that the sink refuses count for the stream and for the object type,
// each with its own limit.
func TestRefusedByType(t *testing.T) {
	kinds := []string{"component", "api", "topic"}
	for name, tc := range map[string]struct {
		before        []int // of each kind
		gone, refused []int
		within        bool
	}{
		"all of a type":                   {[]int{100, 6, 0}, []int{0, 0, 0}, []int{0, 6, 0}, false},
		"most of a type":                  {[]int{100, 6, 0}, []int{0, 0, 0}, []int{0, 5, 0}, true},
		"few of each type, many together": {[]int{50, 50, 50}, []int{5, 5, 5}, []int{7, 7, 7}, false},
		"few of each type":                {[]int{50, 50, 50}, []int{5, 5, 5}, []int{5, 5, 5}, true},
	} {
		n := newNight(t)
		fill := func(gone []int) func(*world) {
			return func(w *world) {
				w.P.Limits.MaxRejected = component.Bound{Share: 1}
				for k, kind := range kinds {
					for i := gone[k]; i < tc.before[k]; i++ {
						w.Add("catalog", kind, fmt.Sprint(kind, i), "fine")
					}
				}
			}
		}
		n.good(fill([]int{0, 0, 0}))
		_, _, err := n.run(func(w *world) {
			fill(tc.gone)(w)
			for k, kind := range kinds {
				for i := range tc.refused[k] {
					w.Refusals[fmt.Sprintf("%s:default/%s%d", kind, kind, tc.gone[k]+i)] = "no"
				}
			}
		})
		if tc.within != (err == nil) || !tc.within && !strings.Contains(err.Error(), "more than the guards allow") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLossReason: the reason of a refusal is about the stream as a whole when its loss is too
// much, and the table contains every measure whose loss is.
func TestLossReason(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(100, "fine"); apis(w, 6) })
	for name, tc := range map[string]struct {
		fill   func(w *world)
		reason string
		table  []string
	}{
		"both types": {func(w *world) {
			w.Components(40, "fine")
		}, "this run would delete 66 of 106 documents (62 %, limit 20 %)",
			[]string{"documents 106 before 66 would be deleted (62 %, limit 20 %)",
				"documents api 6 before 6 would be deleted (all of them)",
				"documents component 100 before 60 would be deleted (60 %, limit 20)"}},
		"one type": {func(w *world) {
			w.Components(100, "fine")
		}, "this run would delete 6 of 6 documents of type api (all of them)",
			[]string{"documents 106 before 6 would be deleted (5.66 %, limit 20 %)",
				"documents api 6 before 6 would be deleted (all of them)"}},
	} {
		_, _, err := n.run(tc.fill)
		var refused *fault.Refusal
		if !errors.As(err, &refused) || !strings.HasPrefix(refused.Reason, tc.reason) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var rows []string
		for _, line := range refused.Table {
			if strings.Contains(line, " would be deleted (") {
				rows = append(rows, strings.Join(strings.Fields(line), " "))
			}
		}
		if !slices.Equal(rows, tc.table) {
			t.Errorf("%s: the table is\n%s", name, strings.Join(refused.Table, "\n"))
		}
		id := map[string]bool{}
		for _, ch := range refused.Changes {
			if id[ch.ID+ch.Ref] {
				t.Errorf("%s: %s is listed twice", name, ch.Ref)
			}
			id[ch.ID+ch.Ref] = true
		}
	}
}

// TestLossRemedy: without an earlier run, a refusal counts the withheld documents, if there are
// any.
func TestLossRemedy(t *testing.T) {
	for private, want := range map[int]string{0: "", 3: "(3 are in the source and withheld by a rule"} {
		w := newWorld(t)
		w.Holdings = component.Holdings{Streams: map[string]int{"users": 1, "documents": 60}}
		w.Add("identities", "user", "u", "fine")
		w.Components(30, "fine")
		for i := range private {
			w.Add("catalog", "component", fmt.Sprint("private", i), "private")
		}
		_, err := w.run(t)
		var refused *fault.Refusal
		errors.As(err, &refused)
		for refused != nil && refused.Guard != "max_loss" {
			refused = refused.Also
		}
		if refused == nil || !strings.Contains(refused.Remedy, want) ||
			want == "" && strings.Contains(refused.Remedy, "withheld") {
			t.Errorf("%d withheld: %v; %+v", private, err, refused)
		}
	}
}

// TestSwitchedOffIsNamed: a refusal for loss names only the kinds that the file switches off.
func TestSwitchedOffIsNamed(t *testing.T) {
	for off, want := range map[bool]string{true: " (system switched off)", false: ""} {
		n := newNight(t)
		n.good(func(w *world) { w.Components(100, "fine") })
		_, _, err := n.run(func(w *world) {
			w.Components(50, "fine")
			w.Order[1].Kinds[0].Off = off
		})
		var refused *fault.Refusal
		if !errors.As(err, &refused) || refused.Remedy != "find out why they are missing from the source"+want {
			t.Errorf("%v: %v; %+v", off, err, refused)
		}
	}
}

// TestDeletionsBecauseAKindIsOff: pages are deleted because their kind, or that of their hosts, is
// switched off. A refusal says so, and asks for no other cause unless something else is deleted.
func TestDeletionsBecauseAKindIsOff(t *testing.T) {
	for name, tc := range map[string]struct {
		off    func(w *world, l *fake.Library)
		why    []string
		remedy string
	}{
		"pages": {func(w *world, l *fake.Library) { l.Order = l.Order[:3]; w.Components(30, "fine") },
			[]string{"page switched off"}, "switch page on again, or approve the deletion"},
		"hosts": {func(_ *world, l *fake.Library) { l.Order = slices.Delete(l.Order, 2, 3) },
			[]string{"component switched off"}, "switch component on again, or approve the deletion"},
		"pages, and components are gone": {func(w *world, l *fake.Library) { l.Order = l.Order[:3]; w.Components(3, "fine") },
			[]string{"page switched off", "gone from the source"}, "find out why they are missing from the source"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(func(w *world) {
				l := fake.NewLibrary(w.World)
				w.Components(30, "fine")
				for i := range 30 {
					l.AddPage(fmt.Sprintf("c%03d", i), "p", "fine")
				}
			})
			_, _, err := n.run(func(w *world) { tc.off(w, fake.NewLibrary(w.World)) })
			var refused *fault.Refusal
			if !errors.As(err, &refused) || refused.Remedy != tc.remedy {
				t.Fatalf("%v: %+v", err, refused)
			}
			for _, why := range tc.why {
				if !strings.Contains(strings.Join(refused.Table, "\n"), "documents, "+why+": ") {
					t.Errorf("no %q in %q", why, refused.Table)
				}
			}
		})
	}
}
