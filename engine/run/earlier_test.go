package run

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
)

// earlier is an output of components, each with a fate, and groups with their members.
type earlier struct {
	fates    map[string]string // by the name of the component
	withheld []string          // names of components
	teams    [][]string
}

func (e earlier) output() *Earlier {
	items := map[string][]read.EarlierItem{}
	add := func(stream, kind string, one component.Encoded) {
		one.Hash()
		items[stream] = append(items[stream], read.EarlierItem{Encoded: one, Kind: kind})
	}
	for _, name := range []string{"sam", "ann"} {
		ref := "user:default/" + name
		add("users", "user", component.Encoded{ID: ref, Ref: ref, Body: []byte(`{}`)})
	}
	for name, fate := range e.fates {
		ref := "component:default/" + name
		body, _ := codec.Marshal(map[string]any{"id": ref, "fate": fate})
		one := component.Encoded{ID: ref, Ref: ref, Type: "component", Rule: "default", Audience: access.AllUsers, Body: body}
		if principal, named := strings.CutPrefix(fate, "named "); named {
			one.Audience, one.Rule, one.Principals = access.Listed, "owners", []string{principal}
		}
		add("documents", "component", one)
	}
	for _, g := range e.teams {
		body, _ := codec.Marshal(g)
		add("members", "", component.Encoded{ID: g[0], Ref: g[0], Principals: g[1:], Body: body})
	}
	each := func(all []read.EarlierItem) iter.Seq2[read.EarlierItem, error] {
		return func(yield func(read.EarlierItem, error) bool) {
			for _, one := range all {
				if !yield(one, nil) {
					return
				}
			}
		}
	}
	out := &Earlier{Dir: "out", Run: "earlier", Ended: time.Now()}
	out.Streams, out.Own = []string{"users", "documents", "members"}, map[string]bool{"members": true}
	out.Items = func(stream string) iter.Seq2[read.EarlierItem, error] { return each(items[stream]) }
	out.Withheld = func(stream string) iter.Seq2[read.EarlierItem, error] {
		var all []read.EarlierItem
		for _, name := range e.withheld {
			if ref := "component:default/" + name; stream == "documents" {
				all = append(all, read.EarlierItem{Encoded: component.Encoded{ID: ref, Ref: ref}, Kind: "component"})
			}
		}
		return each(all)
	}
	return out
}

// TestEarlier: of an earlier output, only what the last good run delivered to the same people
// is published without an approval, regardless of the limits in the file.
func TestEarlier(t *testing.T) {
	team, ann := component.GroupPrincipal("team"), component.UserPrincipal("ann")
	const far = 40 // days; deletions within them are recorded
	for name, tc := range map[string]struct {
		now     map[string]string // the fate of the component x in the last run; "" for none
		day     float64           // of the last run
		then    string            // the fate in the output; "" for none
		members [2]int            // of the group, in the output and in the last run
		withheld,
		hidden bool
		refused, table string
		finds          string // who finds x in the end, by the rule
	}{
		"the same":  {now: map[string]string{"x": "fine"}, then: "fine", members: [2]int{2, 2}, finds: "all-users"},
		"wider now": {now: map[string]string{"x": "fine"}, then: "named " + ann, members: [2]int{2, 2}, finds: "listed"},
		"narrowed": {now: map[string]string{"x": "named " + ann}, then: "fine", members: [2]int{2, 2},
			refused: "max_widen", table: "default: listed → all-users, 1", finds: "all-users"},
		"withheld": {now: map[string]string{"x": "private"}, then: "fine", members: [2]int{2, 2},
			refused: "max_widen", table: "default: nobody → all-users, 1", finds: "all-users"},
		"removed": {now: map[string]string{}, then: "fine", members: [2]int{2, 2},
			refused: "max_widen", table: "default: gone → all-users, 1", finds: "all-users"},
		"removed long ago": {now: map[string]string{}, day: far, then: "fine", members: [2]int{2, 2},
			refused: "max_widen", table: "default: gone → all-users, 1", finds: "all-users"},
		"hidden": {now: map[string]string{"x": "fine"}, then: "fine", members: [2]int{2, 2}, hidden: true,
			finds: "nobody"},
		"withheld then":  {now: map[string]string{"x": "fine"}, withheld: true, members: [2]int{2, 2}, finds: "nobody"},
		"not there then": {now: map[string]string{"x": "fine"}, members: [2]int{2, 2}},
		"a member has left": {now: map[string]string{"x": "named " + team}, then: "named " + team, members: [2]int{2, 1},
			refused: "max_growth", table: "team: 1 newcomer", finds: "listed"},
		"a member has joined": {now: map[string]string{"x": "named " + team}, then: "named " + team,
			members: [2]int{1, 2}, finds: "listed"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			first := map[string]string{"x": tc.then}
			if tc.then == "" {
				delete(first, "x")
			}
			night := func(day float64, fates map[string]string, members int) {
				n.good(func(w *world) {
					both(documents(0, 60, "fine"), group("team", 0, members))(w)
					for name, fate := range fates {
						w.Add("catalog", "component", name, fate)
					}
					w.P.Limits.MaxWiden, w.o.clock = component.Bound{Items: 5}, onDay(day)
				})
			}
			night(0, first, tc.members[0])
			night(max(tc.day, 1), tc.now, tc.members[1])
			if tc.hidden {
				n.Hide(hiddenNow("component:default/x"))
			}
			e := earlier{fates: first}
			for i := range 60 {
				first[fmt.Sprintf("c%04d", i)] = "fine"
			}
			g := []string{"team"}
			for i := range tc.members[0] {
				g = append(g, component.UserPrincipal(fmt.Sprint("p", i)))
			}
			e.teams = [][]string{g}
			if tc.withheld {
				e.withheld = []string{"x"}
			}
			restored := func(w *world) {
				w.P.Limits.MaxWiden, w.P.Limits.MaxGrowth = component.Bound{Share: 1}, component.Bound{Share: 1, Items: 100}
				w.P.Source = nil // not read
				w.o.Earlier, w.o.clock = e.output(), onDay(max(tc.day, 1)+0.1)
			}
			_, report, err := n.run(restored)
			var refused *fault.Refusal
			if errors.As(err, &refused) != (tc.refused != "") || err != nil && refused == nil {
				t.Fatalf("%v", err)
			}
			if refused != nil {
				if refused.Guard != tc.refused || !slices.ContainsFunc(tableOf(err), func(line string) bool {
					return strings.HasPrefix(line, tc.table)
				}) {
					t.Errorf("%s: %q", refused.Guard, tableOf(err))
				}
				if _, report, err = n.run(with(restored, refused.ID)); err != nil {
					t.Fatal(err)
				}
			}
			if report.FromOutput == nil || report.FromOutput.RunID != "earlier" || !noted(report, "the source was not read") {
				t.Errorf("%+v, %q", report.FromOutput, report.Notes)
			}
			if got := n.audience("x"); got != tc.finds {
				t.Errorf("found by %q, want %q", got, tc.finds)
			}
		})
	}
}

// audience returns the audience of a component in the baseline; "" when it is not there.
func (n night) audience(name string) (found string) {
	n.T.Helper()
	base, err := n.Baseline().Load()
	if err != nil || base.Condition != baseline.Intact {
		n.T.Fatal(err, base.Problem)
	}
	defer base.Close()
	for e, err := range base.Entries() {
		if err != nil {
			n.T.Fatal(err)
		}
		if e.Ref == "component:default/"+name && e.Away.IsZero() {
			found = e.Audience
		}
	}
	return found
}

// TestEarlierGuards: the other guards check an earlier output as they check any run.
func TestEarlierGuards(t *testing.T) {
	few := earlier{fates: map[string]string{}}
	for i := range 30 {
		few.fates[fmt.Sprintf("c%04d", i)] = "fine"
	}
	for name, tc := range map[string]struct {
		before, then func(w *world)
		output       earlier
		refused      string
	}{
		"loss":          {before: documents(0, 60, "fine"), output: few, refused: "max_loss"},
		"nothing in it": {before: documents(0, 60, "fine"), output: earlier{}, refused: "max_loss"},
		"output of another place": {output: few, refused: "baseline",
			then: func(w *world) { w.Holdings.Streams = map[string]int{"documents": 9} }},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			if tc.before != nil {
				n.good(tc.before)
			}
			w, _, err := n.run(func(w *world) {
				if tc.then != nil {
					tc.then(w)
				}
				w.P.Source, w.o.Earlier = nil, tc.output.output()
			})
			var refused *fault.Refusal
			if !errors.As(err, &refused) || refused.Guard != tc.refused || w.Sent() {
				t.Errorf("%v, sent %t", err, w.Sent())
			}
		})
	}
}

// TestEarlierOnly: a stream that the run does not write is left unchanged; without groups, so
// are their members.
func TestEarlierOnly(t *testing.T) {
	n := newNight(t)
	n.good(both(documents(0, 30, "fine"), group("team", 0, 2)))
	e := earlier{fates: map[string]string{}, teams: [][]string{{"team", component.UserPrincipal("p0")}}}
	for i := range 30 {
		e.fates[fmt.Sprintf("c%04d", i)] = "fine"
	}
	for unwritten, want := range map[string]string{"documents": "members users", "groups": "documents users"} {
		w, _ := n.good(func(w *world) {
			if unwritten == "groups" {
				w.P.Streams = append(w.P.Streams, component.Stream{Name: "groups", Identities: true, Groups: true})
			}
			w.P.Unwritten = func(stream string) string {
				if stream == unwritten {
					return "not in --only"
				}
				return ""
			}
			w.P.Limits.MaxLoss = component.Bound{Items: 100}
			w.P.Source, w.o.Earlier = nil, e.output()
		})
		var got []string
		for stream, refs := range w.Published {
			if len(refs) > 0 {
				got = append(got, stream)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("without %s: %v, want %s", unwritten, got, want)
		}
	}
}
