package audit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/state"
)

func day(n int) time.Time { return time.Date(2026, 6, 1, 3, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

func user(name string) string  { return component.UserPrincipal(name) }
func group(name string) string { return component.GroupPrincipal(name) }

func listed(ref string, principals ...string) Document {
	return Document{ID: ref, Stream: "documents", Ref: ref, Audience: access.Listed.String(), Rule: "owners",
		Principals: principals}
}

// wrote appends an event of a day.
func wrote(t *testing.T, l *Ledger, n int, kind string, fill func(w *Writer)) {
	t.Helper()
	w := l.Begin(Event{Kind: kind, Run: fmt.Sprint("run", n), At: day(n), Pipeline: "test"})
	if fill != nil {
		fill(w)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// open returns the ledger of a place in a new folder.
func open(t *testing.T) *Ledger {
	t.Helper()
	files, err := state.Folder(t.TempDir()).Open("https://store.example.com/company")
	if err != nil {
		t.Fatal(err)
	}
	return Open(files)
}

func at(t *testing.T, l *Ledger, when time.Time) *State {
	t.Helper()
	s, err := l.At(when)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWho: who finds a document follows from its audience and the groups, at any time.
func TestWho(t *testing.T) {
	l := open(t)
	wrote(t, l, 0, "run", func(w *Writer) {
		w.Group(Group{Principal: group("team"), Ref: "group:default/team", Members: []string{user("ann"), group("sub")}})
		w.Group(Group{Principal: group("sub"), Ref: "group:default/sub", Members: []string{user("bob"), group("team")}})
		w.Group(Group{Principal: group("other"), Ref: "group:default/other", Members: []string{user("bob"), user("eve")}})
		w.Document(listed("a", group("team"), user("sam")))
		both := listed("both")
		both.AllOf = [][]string{{group("team"), group("other")}}
		w.Document(both)
		w.Document(Document{ID: "open", Stream: "documents", Ref: "open", Audience: access.AllUsers.String()})
	})
	wrote(t, l, 1, "run", nil)
	wrote(t, l, 2, "run", func(w *Writer) {
		w.Group(Group{Principal: group("sub"), Ref: "group:default/sub", Members: []string{user("kim")}})
	})
	wrote(t, l, 3, "hide", func(w *Writer) { w.Gone("documents", "a", "a") })
	wrote(t, l, 5, "purge", nil)

	for _, tc := range []struct {
		day    int
		ref    string
		people string // "-" when nothing is known about the document
	}{
		{-1, "a", "-"}, {0, "a", "ann bob sam"}, {1, "a", "ann bob sam"}, {2, "a", "ann kim sam"}, {3, "a", ""}, {4, "a", ""},
		{5, "a", "-"},
		{0, "both", "bob"}, {2, "both", ""}, {0, "open", ""}, {0, "unknown", "-"},
	} {
		answers := at(t, l, day(tc.day)).Who(tc.ref)
		got := "-"
		if len(answers) == 1 {
			var names []string
			for _, p := range answers[0].People {
				name, _ := component.PrincipalName(p)
				names = append(names, name)
			}
			got = strings.Join(names, " ")
		}
		if got != tc.people {
			t.Errorf("day %d, %s: %q, want %q", tc.day, tc.ref, got, tc.people)
		}
	}
	for _, tc := range []struct {
		day          int
		person, refs string
		open         int
	}{
		{0, "bob", "a both", 1}, {0, "sam", "a", 1}, {0, "eve", "", 1}, {2, "bob", "", 1}, {2, "kim", "a", 1},
		{3, "kim", "", 1}, {5, "sam", "", 0},
	} {
		answers, open := at(t, l, day(tc.day)).What(user(tc.person))
		var refs []string
		for _, a := range answers {
			refs = append(refs, a.Ref)
		}
		if strings.Join(refs, " ") != tc.refs || open[access.AllUsers.String()] != tc.open {
			t.Errorf("day %d, %s: %v, open %v", tc.day, tc.person, refs, open)
		}
	}
	if s := at(t, l, day(3).Add(time.Hour)); s.Next == nil || s.Next.Kind != "purge" || len(s.Events) != 4 {
		t.Errorf("events %+v, next %+v", s.Events, s.Next)
	}
	for name, want := range map[string]bool{"ann": true, "sam": true, "kim": false} {
		if got := at(t, l, day(0)).Names(user(name)); got != want {
			t.Errorf("names %s: %t", name, got)
		}
	}
	if a := at(t, l, day(2)).Who("a")[0]; a.Event.Run != "run0" || a.Rule != "owners" {
		t.Errorf("%+v", a)
	}
}

// TestDamaged: every changed byte and every removed block of the ledger is detected.
func TestDamaged(t *testing.T) {
	l := open(t)
	for n := range 3 {
		wrote(t, l, n, "run", func(w *Writer) { w.Document(listed(fmt.Sprint("doc", n), user("sam"))) })
	}
	text, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	spoilt := map[string]string{
		"without the first block":  strings.Join(lines[3:], ""),
		"without the second block": strings.Join(slices.Concat(lines[:3], lines[6:]), ""),
		"another order":            strings.Join(slices.Concat(lines[:3], lines[6:9], lines[3:6]), ""),
		"without one line":         strings.Join(slices.Concat(lines[:4], lines[5:]), ""),
	}
	for i := range len(text) - 1 {
		changed := []byte(string(text))
		changed[i] ^= 1
		spoilt[fmt.Sprint("byte ", i)] = string(changed)
	}
	for name, text := range spoilt {
		if err := os.WriteFile(l.Path(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := l.At(time.Time{})
		if err == nil && len(s.Events) == 3 {
			t.Errorf("%s: not found", name)
		}
	}
}

// TestKilled: an incomplete block of a killed run is no part of the ledger, and the next block
// replaces it.
func TestKilled(t *testing.T) {
	l := open(t)
	wrote(t, l, 0, "run", func(w *Writer) { w.Document(listed("a", user("sam"))) })
	first, _ := os.ReadFile(l.Path())
	wrote(t, l, 1, "run", func(w *Writer) { w.Document(listed("a", user("ann"))) })
	all, _ := os.ReadFile(l.Path())
	for cut := len(first) + 1; cut < len(all); cut++ {
		if err := os.WriteFile(l.Path(), all[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if s := at(t, l, time.Time{}); len(s.Events) != 1 || s.Who("a")[0].People[0] != user("sam") {
			t.Fatalf("cut at %d: %+v", cut, s.Events)
		}
		wrote(t, l, 2, "run", func(w *Writer) { w.Document(listed("a", user("eve"))) })
		if s := at(t, l, time.Time{}); len(s.Events) != 2 || s.Who("a")[0].People[0] != user("eve") {
			t.Fatalf("after the cut at %d: %+v", cut, s.Events)
		}
	}
	if info, err := os.Stat(l.Path()); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestCompact: dropping old events changes no answer about the time that is kept.
func TestCompact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	l := open(t)
	const days = 120
	for n := range days {
		wrote(t, l, n, "run", func(w *Writer) {
			for range r.IntN(4) {
				w.Document(listed(fmt.Sprint("doc", r.IntN(20)), user(fmt.Sprint("u", r.IntN(9))),
					group(fmt.Sprint("g", r.IntN(4)))))
				w.Group(Group{Principal: group(fmt.Sprint("g", r.IntN(4))), Members: []string{user(fmt.Sprint("u", r.IntN(9)))}})
			}
			if r.IntN(5) == 0 {
				w.Gone("documents", fmt.Sprint("doc", r.IntN(20)), fmt.Sprint("doc", r.IntN(20)))
			}
		})
	}
	answers := func(n int) (out []Answer) {
		s := at(t, l, day(n))
		for i := range 20 {
			for _, a := range s.Who(fmt.Sprint("doc", i)) {
				a.Event = Event{} // the event of a dropped change is not kept
				out = append(out, a)
			}
		}
		return out
	}
	before := map[int][]Answer{}
	for n := 70; n < days; n++ {
		before[n] = answers(n)
	}
	full, _ := os.Stat(l.Path())
	if err := l.Compact(day(days), 60*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if less, _ := os.Stat(l.Path()); less.Size() >= full.Size() {
		t.Errorf("%d bytes, before %d", less.Size(), full.Size())
	}
	for n, want := range before {
		if got := answers(n); !reflect.DeepEqual(got, want) {
			t.Errorf("day %d: %+v, want %+v", n, got, want)
		}
	}
	if s := at(t, l, time.Time{}); s.Events[0].Kind != "state" || len(s.Events) != 60 {
		t.Errorf("%d events, the first %+v", len(s.Events), s.Events[0])
	}
	wrote(t, l, days, "run", nil) // it can be appended to
	at(t, l, time.Time{})
	kept, _ := os.ReadFile(l.Path())
	if err := l.Compact(day(days), 60*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(l.Path()); string(again) != string(kept) {
		t.Error("it was rewritten although there is little to gain")
	}
}

// TestAdds: added members join the earlier ones, also in the state that replaces old events.
func TestAdds(t *testing.T) {
	l := open(t)
	wrote(t, l, 0, "run", func(w *Writer) {
		w.Group(Group{Principal: group("team"), Members: []string{user("bob"), user("sam")}})
		w.Document(listed("a", group("team")))
	})
	wrote(t, l, 1, "push", func(w *Writer) {
		w.Group(Group{Principal: group("team"), Members: []string{user("ann"), user("sam")}, Adds: true})
	})
	wrote(t, l, 200, "run", func(w *Writer) { w.Group(Group{Principal: group("team"), Members: []string{user("eve")}}) })
	check := func() {
		t.Helper()
		for n, want := range map[int][]string{1: {user("ann"), user("bob"), user("sam")}, 200: {user("eve")}} {
			if got := at(t, l, day(n)).Who("a")[0].People; !slices.Equal(got, want) {
				t.Errorf("day %d: %v, want %v", n, got, want)
			}
		}
	}
	check()
	if err := l.Compact(day(201), 100*24*time.Hour); err != nil || at(t, l, time.Time{}).Events[0].Kind != "state" {
		t.Fatal(err)
	}
	check()
}

// TestWhole: an event with everything in a stream replaces what is known about that stream from
// then on.
func TestWhole(t *testing.T) {
	l := open(t)
	whole := func(n int, streams []string, fill func(w *Writer)) {
		t.Helper()
		w := l.Begin(Event{Kind: "run", Run: fmt.Sprint("run", n), At: day(n), Whole: streams})
		fill(w)
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	wrote(t, l, 0, "run", func(w *Writer) {
		w.Group(Group{Principal: group("team"), Stream: "members", Members: []string{user("bob")}})
		w.Document(listed("a", group("team")))
		w.Document(listed("b", user("sam")))
	})
	whole(1, []string{"documents"}, func(w *Writer) { w.Document(listed("b", group("team"))) })
	whole(2, []string{"documents", "members"}, func(w *Writer) { w.Document(listed("b", group("team"))) })
	for n, want := range []string{"a=bob b=sam ", "b=bob ", "b= "} {
		s, got := at(t, l, day(n)), ""
		for _, ref := range []string{"a", "b"} {
			for _, x := range s.Who(ref) {
				var names []string
				for _, p := range x.People {
					name, _ := component.PrincipalName(p)
					names = append(names, name)
				}
				got += ref + "=" + strings.Join(names, ",") + " "
			}
		}
		if got != want {
			t.Errorf("day %d: %s, want %s", n, got, want)
		}
	}
}

// TestSince: Since returns what the events after a run mention, without the run's own event,
// also with long lines.
func TestSince(t *testing.T) {
	l := open(t)
	if _, found, err := l.Since("run0"); found || err != nil {
		t.Errorf("no ledger: %t, %v", found, err)
	}
	var many []string
	for i := range 9000 {
		many = append(many, user(fmt.Sprint("someone", i)))
	}
	wrote(t, l, 0, "run", func(w *Writer) {
		w.Document(listed("a", many...))
		w.Document(listed("b", user("sam")))
	})
	wrote(t, l, 1, "push", func(w *Writer) {
		w.Group(Group{Principal: group("team"), Stream: "members", Ref: "group:default/team", Members: many, Adds: true})
		w.Document(listed("b", user("ann")))
	})
	wrote(t, l, 2, "hide", func(w *Writer) { w.Gone("documents", "C", "c") })
	all := Since{
		Documents: map[Key]string{{"documents", "b"}: "b", {"documents", "C"}: "c"},
		Groups:    map[Key]string{{"members", group("team")}: "group:default/team"},
	}
	hidden := Since{Documents: map[Key]string{{"documents", "C"}: "c"}, Groups: map[Key]string{}}
	for run, want := range map[string]Since{"run0": all, "run1": hidden} {
		got, found, err := l.Since(run)
		got.own = false
		if err != nil || !found || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %t, %v", run, got, found, err)
		}
	}
	if _, found, err := l.Since("another"); found || err != nil {
		t.Errorf("another: %t, %v", found, err)
	}
}

// TestNoLedger: queries of a missing ledger return an error.
func TestNoLedger(t *testing.T) {
	l := open(t)
	if there, err := l.Exists(); there || err != nil {
		t.Errorf("%t, %v", there, err)
	}
	if _, err := l.At(time.Time{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := l.Compact(day(0), Keep); err != nil {
		t.Error(err)
	}
}
