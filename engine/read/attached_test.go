package read

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// hostFates are fates of a host, and whether its document is delivered.
var hostFates = map[string]bool{
	"plain": true, "of sam": true, "of sam and ann": true, "named group:default/team": true,
	"private": false, "of nobody": false, "of strangers": false, "undecided": false, "rule error": false,
	"not encodable": false, "dropped": false, "broken": false, "unmapped": false, "mapping error": false,
}

// pageFates are fates of a page; none of them gives access.
var pageFates = []string{"plain", "of sam", "private", "of strangers", "of nobody", "dropped", "unmapped",
	"mapping error", "not encodable", "rule error", "undecided"}

// TestPagesHavePermissionsOfTheirHost: for random hosts and pages, each staged page has the
// permissions of its host, whatever rules say about the page itself, and a host without a
// delivered document has no staged page (invariant 2).
func TestPagesHavePermissionsOfTheirHost(t *testing.T) {
	fates := slices.Sorted(func(yield func(string) bool) {
		for fate := range hostFates {
			if !yield(fate) {
				return
			}
		}
	})
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := fake.NewWorld(t)
		w.Add("identities", "user", "sam", "plain")
		l := fake.NewLibrary(w)
		w.P.Limits.SpillBytes = []int{1, 1 << 20}[random.IntN(2)]
		fateOf := map[string]string{}
		hidden := []baseline.Hidden{}
		for i := range 12 {
			name, fate := fmt.Sprintf("c%03d", i), fates[random.IntN(len(fates))]
			w.Add("catalog", "component", name, fate)
			if random.IntN(6) == 0 {
				hidden = append(hidden, baseline.Hidden{Ref: "component:default/" + name})
				fate = "hidden"
			}
			fateOf["component:default/"+name] = fate
			for p := range random.IntN(5) {
				l.AddPage(name, fmt.Sprint("p", p), pageFates[random.IntN(len(pageFates))])
			}
		}
		l.AddPage("unknown", "p", "plain") // of a component that was not read
		o := options(t, w)
		o.Hidden = baseline.HidingOf(hidden, component.HostsOf(l))
		if err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if err := o.Ledger.Settle(); err != nil {
			t.Fatal(err)
		}
		if err := o.Stage.Flush(); err != nil {
			t.Fatal(err)
		}
		grants := map[string]access.Grant{}
		for tag, err := range o.Stage.Tags("documents") {
			if err != nil {
				t.Fatal(err)
			}
			grants[tag.Ref] = tag.Grant
		}
		for ref, grant := range grants {
			host, attached := l.HostOf(ref)
			if !attached {
				continue
			}
			if of, delivered := grants[host]; !delivered || !hostFates[fateOf[host]] || !of.Same(grant) {
				t.Errorf("seed %d: %s is found by %v; %s (%s) by %v", seed, ref, grant, host, fateOf[host], of)
			}
		}
		for host, pages := range l.Pages {
			for _, p := range pages {
				ending, reason := o.Ledger.Fate(p.Ref)
				_, staged := grants[p.Ref]
				if staged != (ending == component.Delivered) || ending == component.Pending && hostFates[fateOf[host]] {
					t.Errorf("seed %d: %s ended as %v: %s", seed, p.Ref, ending, reason)
				}
				if plain := strings.Contains(string(p.Raw), `"plain"`); plain && staged != hostFates[fateOf[host]] {
					t.Errorf("seed %d: %s of %s (%s) is staged: %t", seed, p.Ref, host, fateOf[host], staged)
				}
			}
		}
	}
}

// TestUnreadHostEmitsNothing: what was emitted counts only when all of it was read.
func TestUnreadHostEmitsNothing(t *testing.T) {
	w := company(t, 3)
	l := fake.NewLibrary(w)
	for _, name := range []string{"c000", "c001", "c002"} {
		l.AddPage(name, "p", "plain")
	}
	l.Results["component:default/c000"] = component.Attached{Reason: "the answer was cut"}
	l.Results["component:default/c001"] = component.Attached{State: component.AttachedGone}
	o := options(t, w)
	var notes []string
	o.Note = func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]bool{"page:default/c000/p": false, "page:default/c001/p": false,
		"page:default/c002/p": true} {
		if o.Ledger.Knows(ref) != want {
			t.Errorf("%s is read: %t", ref, !want)
		}
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "component:default/c000: the answer was cut") {
		t.Errorf("notes: %q", notes)
	}
}

// TestForeignPage: a source cannot emit a record of another host, nor leave one unread that must
// be read.
func TestForeignPage(t *testing.T) {
	for name, spoil := range map[string]func(*fake.Library){
		"of another host": func(l *fake.Library) {
			l.Pages["component:default/c000"] = l.Pages["component:default/c001"]
		},
		"of none": func(l *fake.Library) { l.Pages["component:default/c000"][0].Ref = "component:default/c005" },
		"same": func(l *fake.Library) {
			l.Results["component:default/c000"] = component.Attached{State: component.AttachedSame}
		},
	} {
		w := company(t, 2)
		l := fake.NewLibrary(w)
		l.AddPage("c000", "p", "plain")
		l.AddPage("c001", "p", "plain")
		spoil(l)
		if err := Run(t.Context(), options(t, w)); err == nil || !strings.Contains(err.Error(), "defect in the source") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHidingOfHosts: an attached record is hidden with its host, and let back with it.
func TestHidingOfHosts(t *testing.T) {
	l := fake.NewLibrary(fake.NewWorld(t))
	h := baseline.HidingOf([]baseline.Hidden{{Ref: "component:default/a"}}, component.HostsOf(l))
	for ref, want := range map[string]bool{"component:default/a": true, "page:default/a/p": true,
		"page:default/b/p": false, "component:default/b": false} {
		if h.HasRef(ref) != want || h.HasID(ref, ref) != want || h.Has(ref, 1) != want {
			t.Errorf("%s is hidden: %t", ref, h.HasRef(ref))
		}
	}
	if why := h.WhyRef("page:default/a/p"); !strings.Contains(why, "as component:default/a") {
		t.Errorf("why: %s", why)
	}
}
