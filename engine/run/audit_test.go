package run

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// readable is a store that can decode its items.
type readable struct{ *fake.Store }

func (readable) Decode(stream string, body []byte) (component.Stored, error) {
	if stream == "members" {
		var g []string
		err := codec.Unmarshal(body, &g)
		return component.Stored{ID: g[0], Principals: g[1:]}, err
	}
	var d struct {
		ID   string `json:"id"`
		Fate string `json:"fate"`
	}
	err := codec.Unmarshal(body, &d)
	var principals []string
	if name, named := strings.CutPrefix(d.Fate, "named "); named {
		principals = []string{name}
	}
	return component.Stored{ID: d.ID, Principals: principals}, err
}

// TestAudit: the ledger shows who could find a document after each run.
func TestAudit(t *testing.T) {
	n := newNight(t)
	team := component.GroupPrincipal("team")
	night := func(day float64, fate string, members int, more ...func(w *world)) {
		t.Helper()
		n.good(func(w *world) {
			both(documents(1, 30, "fine"), group("team", 0, members))(w)
			if fate != "" {
				w.Add("catalog", "component", "c0", fate)
			}
			for _, fill := range more {
				fill(w)
			}
			w.P.Sink, w.o.clock, w.o.FileHash = readable{w.Store}, onDay(day), "hash"
		})
	}
	night(0, "named "+team, 2)
	night(1, "named "+team, 2)
	night(2, "named "+team, 3)
	night(3, "named "+component.UserPrincipal("ann"), 3)
	night(4, "private", 3)
	night(5, "named "+component.UserPrincipal("ann"), 3, func(w *world) { w.P.Limits.MaxWiden.Items = 5 })
	night(6, "", 3)
	night(7, "fine", 3, func(w *world) { w.P.Limits.MaxWiden.Items = 5 })

	ledger := audit.Open(n.Baseline().State())
	for day, want := range []string{"p0 p1", "p0 p1", "p0 p1 p2", "ann", "nobody", "ann", "nobody", "all-users"} {
		s, err := ledger.At(onDay(float64(day)).Time)
		if err != nil {
			t.Fatal(err)
		}
		answers := s.Who("component:default/c0")
		if len(answers) != 1 || len(s.Events) != day+1 {
			t.Fatalf("day %d: %+v, %d events", day, answers, len(s.Events))
		}
		var names []string
		for _, p := range answers[0].People {
			name, _ := component.PrincipalName(p)
			names = append(names, name)
		}
		got := strings.Join(names, " ")
		if got == "" {
			got = answers[0].Audience
		}
		if got != want {
			t.Errorf("day %d: %s, want %s", day, got, want)
		}
		if e := s.Events[day]; e.Kind != "run" || e.Run == "" || e.File != "hash" {
			t.Errorf("day %d: %+v", day, e)
		}
	}
	if s, err := ledger.At(time.Time{}); err != nil || len(s.Who("component:default/c0001")) != 1 {
		t.Errorf("%v", err)
	}
}

// people returns who could find a document by the ledger; "-" when the ledger does not know.
func (n night) people(name string) string {
	n.T.Helper()
	s, err := audit.Open(n.Baseline().State()).At(time.Time{})
	if err != nil {
		n.T.Fatal(err)
	}
	answers := s.Who("component:default/" + name)
	if len(answers) != 1 {
		return "-"
	}
	var names []string
	for _, p := range answers[0].People {
		name, _ := component.PrincipalName(p)
		names = append(names, name)
	}
	if answers[0].Audience != access.Listed.String() {
		return answers[0].Audience
	}
	return strings.Join(names, " ")
}

// TestAuditWithoutBaseline: the first run after the baseline was lost replaces what the ledger
// knows about the streams that it sends, and only about those.
func TestAuditWithoutBaseline(t *testing.T) {
	team := component.GroupPrincipal("team")
	for name, tc := range map[string]struct {
		unwritten, gone, kept string
	}{
		"everything":   {"", "-", "-"},
		"no documents": {"documents", "p0", "p0"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			fill := func(names ...string) func(w *world) {
				return func(w *world) {
					both(documents(0, 30, "fine"), group("team", 0, 1))(w)
					for _, name := range names {
						w.Add("catalog", "component", name, "named "+team)
					}
					w.P.Sink = readable{w.Store}
				}
			}
			n.good(fill("stays", "goes"))
			if err := os.Remove(n.File(".state")); err != nil {
				t.Fatal(err)
			}
			before := time.Now()
			n.good(func(w *world) {
				fill("stays")(w)
				w.P.Unwritten = func(stream string) string {
					if stream == tc.unwritten {
						return "not in --only"
					}
					return ""
				}
			})
			if got := n.people("goes"); got != tc.gone {
				t.Errorf("goes: %s, want %s", got, tc.gone)
			}
			if got := n.people("stays"); got != "p0" {
				t.Errorf("stays: %s", got)
			}
			s, err := audit.Open(n.Baseline().State()).At(before)
			if err != nil || len(s.Who("component:default/goes")) != 1 {
				t.Errorf("before: %+v, %v", s, err)
			}
		})
	}
}

// TestAuditAfterPush: a run reverts in the ledger what a push sent since the last run, also
// when it sends the same as the last run.
func TestAuditAfterPush(t *testing.T) {
	n := newNight(t)
	team := component.GroupPrincipal("team")
	fill := func(w *world) {
		both(documents(0, 30, "fine"), group("team", 0, 1))(w)
		w.Add("catalog", "component", "a", "named "+team)
		w.P.Sink = readable{w.Store}
	}
	n.good(fill)
	ledger := audit.Open(n.Baseline().State())
	w := ledger.Begin(audit.Event{Kind: "push", Run: "push", At: time.Now().UTC()})
	w.Group(audit.Group{Principal: team, Stream: "members", Members: []string{component.UserPrincipal("eve")}, Adds: true})
	w.Group(audit.Group{Principal: component.GroupPrincipal("new"), Stream: "members",
		Members: []string{component.UserPrincipal("eve")}, Adds: true})
	for _, name := range []string{"c0001", "pushed"} {
		w.Document(audit.Document{ID: "component:default/" + name, Stream: "documents", Ref: "component:default/" + name,
			Audience: access.Listed.String(), Principals: []string{component.GroupPrincipal("new")}})
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	want := func(when string, people map[string]string) {
		t.Helper()
		for name, want := range people {
			if got := n.people(name); got != want {
				t.Errorf("%s, %s: %s, want %s", when, name, got, want)
			}
		}
	}
	want("after the push", map[string]string{"a": "eve p0", "c0001": "eve", "pushed": "eve"})
	n.good(fill)
	want("after the run", map[string]string{"a": "p0", "c0001": "all-users", "pushed": "nobody"})
	if s, _ := ledger.At(time.Time{}); s.Names(component.UserPrincipal("eve")) {
		t.Error("eve is still a member of a group")
	}
}

// TestAuditKeep: a run drops events that are older than audit.keep.
func TestAuditKeep(t *testing.T) {
	const day = 24 * time.Hour
	for keep, dropped := range map[time.Duration]bool{0: false, 120 * day: false, 80 * day: true} {
		n := newNight(t)
		for _, at := range []float64{0, 1, 100} {
			n.good(func(w *world) {
				documents(0, 30, "fine")(w)
				w.P.Sink, w.o.clock, w.P.KeepAudit = readable{w.Store}, onDay(at), keep
			})
		}
		s, err := audit.Open(n.Baseline().State()).At(time.Time{})
		if err != nil || (s.Events[0].Kind == "state") != dropped {
			t.Errorf("%s: %+v, %v", keep, s.Events, err)
		}
	}
}

// TestAuditRefused: an item that the sink refused is gone in the ledger, and so are the members
// of a group.
func TestAuditRefused(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) { documents(0, 400, "fine")(w); w.P.Sink = readable{w.Store} }
	n.good(fill)
	n.good(func(w *world) { fill(w); w.Refusals["component:default/c0001"] = "too large" })
	if got := n.people("c0001"); got != "nobody" {
		t.Errorf("refused: %s", got)
	}
	if got := n.people("c0002"); got != "all-users" {
		t.Errorf("another: %s", got)
	}
}

// TestAuditCannotBeWritten: a run that cannot write the ledger does not replace the baseline,
// and the next run writes both.
func TestAuditCannotBeWritten(t *testing.T) {
	n := newNight(t)
	fill := func(w *world) { documents(0, 30, "fine")(w); w.P.Sink = readable{w.Store} }
	n.good(fill)
	before := n.Texts()[n.File(".state")]
	n.Change(".audit", func(text string) string { return text[:40] + "x" + text[41:] + "}" })
	_, _, err := n.run(func(w *world) { fill(w); documents(30, 40, "fine")(w) })
	if err == nil || !strings.Contains(err.Error(), "audit ledger") {
		t.Errorf("%v", err)
	}
	if n.Texts()[n.File(".state")] != before {
		t.Error("the baseline was replaced")
	}
}
