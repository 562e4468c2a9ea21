package run

import (
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// readable is a store that reads back what it was sent.
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

// TestAudit: the ledger of a state folder tells who could find a document after each
// run.
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

	ledger := audit.Open(n.Baseline().AuditFile())
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

// TestAuditCannotBeWritten: the baseline of a run whose audit cannot be written is not
// replaced, so that the next run writes both.
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
