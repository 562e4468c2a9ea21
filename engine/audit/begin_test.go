package audit

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
)

// event appends an event of a run at an hour.
func event(t *testing.T, l *Ledger, hour int, kind, run string, whole []string, lines ...any) {
	t.Helper()
	w := l.Begin(Event{Kind: kind, Run: run, At: day(0).Add(time.Duration(hour) * time.Hour), Whole: whole})
	for _, line := range lines {
		switch x := line.(type) {
		case Document:
			w.Document(x)
		case Group:
			w.Group(x)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// answers returns the answers about a document: its people or audience, with "?" before
// uncertain ones.
func answers(s *State, ref string) string {
	var out []string
	for _, a := range s.Who(ref) {
		text := a.Audience
		if text == access.Listed.String() {
			text = people(a.People)
		}
		if a.Perhaps {
			text = "?" + text
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func people(principals []string) string {
	var out []string
	for _, p := range principals {
		out = append(out, p[strings.LastIndexAny(p, ":/ ")+1:])
	}
	return strings.Join(out, " ")
}

// TestBeginning: what a run began to send is uncertain until its end, or until a later event
// has the state.
func TestBeginning(t *testing.T) {
	l := open(t)
	team := func(adds bool, members ...string) Group {
		return Group{Principal: group("team"), Stream: "members", Ref: "team", Members: members, Adds: adds}
	}
	ann, bob, eve := user("ann"), user("bob"), user("eve")
	whole := []string{"documents", "members"}
	event(t, l, 0, Beginning, "r0", whole, listed("a", ann), listed("b", group("team")), listed("old", ann),
		team(false, ann))
	event(t, l, 1, "run", "r0", whole)
	event(t, l, 2, Beginning, "r1", nil, listed("a", bob), listed("new", bob), team(false, ann, bob))
	event(t, l, 4, "hide", "h", nil,
		Document{ID: "new", Stream: "documents", Ref: "new", Audience: access.Nobody.String()})
	event(t, l, 6, Beginning, "p", nil, listed("b", group("team"), eve), team(true, eve))
	event(t, l, 7, "push", "p", nil, listed("b", group("team"), eve), team(true, eve))
	event(t, l, 8, Beginning, "r2", whole, listed("a", eve), listed("b", group("team")), team(false, bob))
	event(t, l, 9, "hide", "h2", nil, Document{ID: "a", Stream: "documents", Ref: "a", Audience: access.Nobody.String()})
	event(t, l, 10, "run", "r2", whole)
	wants := map[int]map[string]string{
		0:  {"a": "?ann", "b": "?ann", "new": ""},
		1:  {"a": "ann", "b": "ann", "new": ""},
		2:  {"a": "ann, ?bob", "b": "ann, ?ann bob", "new": "?bob"},
		4:  {"a": "ann, ?bob", "b": "ann, ?ann bob", "new": "nobody"},
		6:  {"b": "ann, ?ann bob eve, ?ann bob eve"},
		7:  {"a": "ann, ?bob", "b": "ann eve, ?ann bob eve"},
		8:  {"a": "ann, ?bob, ?eve", "old": "ann"},
		9:  {"a": "nobody", "old": "ann"},
		10: {"a": "nobody", "b": "bob", "new": "", "old": ""},
	}
	check := func(from int) {
		t.Helper()
		for hour, want := range wants {
			if hour < from {
				continue
			}
			s := at(t, l, day(0).Add(time.Duration(hour)*time.Hour))
			got := map[string]string{}
			for ref := range want {
				got[ref] = answers(s, ref)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("hour %d: %v, want %v", hour, got, want)
			}
			if want := map[int]int{0: 1, 2: 1, 4: 1, 6: 2, 7: 1, 8: 2, 9: 2}[hour]; len(s.Begun) != want {
				t.Errorf("hour %d: begun %v, want %d", hour, s.Begun, want)
			}
		}
	}
	check(0)
	s := at(t, l, day(0).Add(3*time.Hour))
	found, _ := s.What(bob)
	for _, a := range found {
		if !a.Perhaps {
			t.Errorf("%s is certain", a.Ref)
		}
	}
	if len(found) != 3 || !s.Names(bob) {
		t.Errorf("bob: %+v", found)
	}
	// While it is unknown what a run sent of whole streams, nothing is dropped.
	if err := l.Compact(day(0).Add(9*time.Hour), 0); err != nil {
		t.Fatal(err)
	}
	check(0)
	// What is still uncertain is kept when its events are dropped.
	if err := l.Compact(day(0).Add(7*time.Hour), 0); err != nil {
		t.Fatal(err)
	}
	check(7)
	if s := at(t, l, time.Time{}); s.Events[0].Kind != "state" {
		t.Errorf("nothing was dropped: %+v", s.Events)
	}
}

// TestPerhapsOpen: a document that a run began to open is listed for a person, because it is
// uncertain; a document that is open does not become uncertain through its groups.
func TestPerhapsOpen(t *testing.T) {
	l := open(t)
	open := func(ref string, audience access.Audience) Document {
		return Document{ID: ref, Stream: "documents", Ref: ref, Audience: audience.String(),
			Principals: []string{group("team")}}
	}
	event(t, l, 0, "run", "r0", nil, open("a", access.AllUsers), listed("b"), listed("c"))
	event(t, l, 1, Beginning, "r1", nil, open("b", access.DatasourceUsers), open("c", access.AllUsers),
		Group{Principal: group("team"), Stream: "members", Ref: "team", Members: []string{user("ann")}})
	s := at(t, l, time.Time{})
	if got := answers(s, "a") + "; " + answers(s, "b"); got != "all-users; , ?datasource-users" {
		t.Error(got)
	}
	found, everybody := s.What(user("eve"))
	if len(found) != 2 || !found[0].Perhaps || everybody["all-users"] != 1 || everybody["datasource-users"] != 0 {
		t.Errorf("%+v, %v", found, everybody)
	}
}

// TestSinceBeginning: what a run began to send after the last good one is compared anew.
func TestSinceBeginning(t *testing.T) {
	l := open(t)
	event(t, l, 0, Beginning, "r0", nil, listed("a"))
	event(t, l, 1, "run", "r0", nil)
	event(t, l, 2, Beginning, "r1", nil, listed("b"), Group{Principal: group("team"), Stream: "members", Ref: "team"})
	since, found, err := l.Since("r0")
	if err != nil || !found || len(since.Documents) != 1 || since.Documents[Key{"documents", "b"}] != "b" ||
		len(since.Groups) != 1 {
		t.Errorf("%+v %v %v", since, found, err)
	}
}
