package read

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// keeping is a session that keeps items whose content was not read.
type keeping struct{ component.Session }

func (keeping) Keep(item *component.Item, id, typ string) (component.Encoded, error) {
	e := component.Encoded{ID: id, Ref: item.Ref, Type: typ, Audience: item.Permissions.Audience,
		Rule: item.Permissions.Rule, Principals: item.Permissions.Principals, Body: []byte(`{}`)}
	if slices.Contains(e.Principals, "user:default/ann") { // who is not active in this sink
		e.Audience = access.Nobody
	}
	return e, nil
}

// page returns the entry of a page in the last good run.
func page(host, path string, audience access.Audience, names ...string) baseline.Entry {
	e := fake.Document("page:default/"+host+"/"+path, audience, names...)
	e.Kind, e.ClearID = "page", e.Ref
	return e
}

// TestCarry: pages of a host that could not be read, or did not change, stay with the permissions
// that the host has now; without its delivered document they go or are withheld (invariant 2).
func TestCarry(t *testing.T) {
	unread, same := component.Attached{Reason: "the answer was cut"}, component.Attached{State: component.AttachedSame}
	for name, tc := range map[string]struct {
		fate   string // of the host
		result component.Attached
		before baseline.Entry
		hidden string
		want   component.Ending
		found  access.Audience // of the kept page
	}{
		"unread":               {"plain", unread, page("c", "p", access.AllUsers), "", component.Kept, access.AllUsers},
		"unread, was narrower": {"plain", unread, page("c", "p", access.Listed, "x"), "", component.Kept, access.AllUsers},
		"unread, now narrower": {"of sam", unread, page("c", "p", access.AllUsers), "", component.Kept, access.Listed},
		"not changed":          {"of sam", same, page("c", "p", access.AllUsers), "", component.Kept, access.Listed},
		"a private host":       {"private", unread, page("c", "p", access.AllUsers), "", component.Withheld, 0},
		"a host of strangers":  {"of strangers", unread, page("c", "p", access.AllUsers), "", component.Withheld, 0},
		"of people who are not active": {"of sam and ann", unread, page("c", "p", access.AllUsers), "",
			component.Withheld, 0},
		"a hidden host": {"plain", unread, page("c", "p", access.AllUsers), "component:default/c", component.Withheld, 0},
		"a hidden page": {"plain", unread, page("c", "p", access.AllUsers), "page:default/c/p",
			component.Withheld, 0},
		"a dropped host":         {"dropped", unread, page("c", "p", access.AllUsers), "", component.Pending, 0},
		"a rejected host":        {"rule error", unread, page("c", "p", access.AllUsers), "", component.Pending, 0},
		"a host that is missing": {"", unread, page("c", "p", access.AllUsers), "", component.Pending, 0},
		"known to be gone": {"plain", component.Attached{State: component.AttachedGone},
			page("c", "p", access.AllUsers), "", component.Pending, 0},
		"read without the page": {"plain", component.Attached{State: component.AttachedRead},
			page("c", "p", access.AllUsers), "", component.Pending, 0},
		"was found by no one": {"plain", unread, page("c", "p", access.Nobody), "", component.Pending, 0},
		"was away":            {"plain", unread, fake.Away(page("c", "p", access.AllUsers)), "", component.Pending, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := fake.NewWorld(t)
			w.Add("identities", "user", "sam", "plain")
			l := fake.NewLibrary(w)
			if tc.fate != "" {
				w.Add("catalog", "component", "c", tc.fate)
			}
			l.Results["component:default/c"] = tc.result
			o := options(t, w)
			o.Session, o.Last = keeping{w.Store}, fake.Snapshot(t, []baseline.Entry{tc.before})
			o.Attachments = NewAttachments(map[string]baseline.Mark{"component:default/c": {Text: "mark", Items: 1}}, true)
			if tc.hidden != "" {
				o.Hidden = baseline.HidingOf([]baseline.Hidden{{Ref: tc.hidden}}, component.HostsOf(l))
			}
			if err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if err := o.Stage.Flush(); err != nil {
				t.Fatal(err)
			}
			if ending, why := o.Ledger.Fate("page:default/c/p"); ending != tc.want {
				t.Errorf("it ended as %v: %s", ending, why)
			}
			var found access.Audience
			for tag, err := range o.Stage.Tags("documents") {
				if err != nil {
					t.Fatal(err)
				}
				if tag.Ref == "page:default/c/p" {
					if found = tag.Grant.Audience; !tag.Kept {
						t.Error("it may be written without its content")
					}
				}
			}
			if found != tc.found {
				t.Errorf("it is found by %v, want %v", found, tc.found)
			}
		})
	}
}

// TestFollow: what is attached to a followed record stays with the permissions that the record has
// now, with and without a phase that reads it, also when only the journal has it.
func TestFollow(t *testing.T) {
	for name, tc := range map[string]struct {
		fate  string // of the host
		want  component.Ending
		found access.Audience
	}{
		"narrower":     {"of sam", component.Kept, access.Listed},
		"the same":     {"plain", component.Kept, access.AllUsers},
		"for no one":   {"private", component.Withheld, 0},
		"dropped":      {"dropped", component.Pending, 0},
		"cannot be":    {"rule error", component.Pending, 0},
		"not followed": {"", component.Pending, 0},
	} {
		for _, phase := range []bool{true, false} {
			t.Run(fmt.Sprint(name, phase), func(t *testing.T) {
				w := fake.NewWorld(t)
				w.Add("identities", "user", "sam", "plain")
				l := fake.NewLibrary(w)
				l.AddPage("c", "p", "plain")
				if !phase {
					l.Order = l.Order[:len(l.Order)-1]
				}
				o := options(t, w)
				o.Follow = []string{"component:default/other"}
				if tc.fate != "" {
					w.Add("catalog", "component", "c", tc.fate)
					o.Follow = append(o.Follow, "component:default/c")
				}
				store := fake.Folder{T: t, Dir: t.TempDir()}.Baseline()
				writer, err := store.Begin(baseline.Publishing, "r", time.Now())
				if err != nil {
					t.Fatal(err)
				}
				for i, ref := range []string{"page:default/c/p", "page:default/c/sent", "component:default/c"} {
					writer.Intend(i+1, baseline.Intent{Stream: "documents", ID: ref, Ref: ref, Type: "page",
						Grant: access.Grant{Audience: access.AllUsers}})
				}
				if err := errors.Join(writer.Sync(), writer.Close()); err != nil {
					t.Fatal(err)
				}
				if o.Journal, err = store.Journal(nil); err != nil {
					t.Fatal(err)
				}
				o.Session, o.Last = keeping{w.Store}, fake.Snapshot(t, []baseline.Entry{page("c", "p", access.AllUsers)})
				o.Attachments = NewAttachments(nil, false)
				if err := Run(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				if err := o.Stage.Flush(); err != nil {
					t.Fatal(err)
				}
				found := map[string]access.Audience{}
				for tag, err := range o.Stage.Tags("documents") {
					if err != nil {
						t.Fatal(err)
					}
					found[tag.Ref] = tag.Grant.Audience
				}
				for _, ref := range []string{"page:default/c/p", "page:default/c/sent"} {
					if ending, why := o.Ledger.Fate(ref); ending != tc.want || found[ref] != tc.found {
						t.Errorf("%s ended as %v (%s) and is found by %v", ref, ending, why, found[ref])
					}
				}
			})
		}
	}
}

// TestDecision: the decision about a host is known after the read, without a phase that reads what
// is attached to it.
func TestDecision(t *testing.T) {
	w := fake.NewWorld(t)
	l := fake.NewLibrary(w)
	l.Order = l.Order[:len(l.Order)-1]
	want := map[string]access.Audience{"plain": access.AllUsers, "of sam": access.Listed, "private": access.Nobody,
		"of strangers": access.Undecided, "of nobody": access.Undecided, "dropped": access.Undecided,
		"rule error": access.Undecided}
	for fate := range want {
		w.Add("catalog", "component", strings.ReplaceAll(fate, " ", "-"), fate)
	}
	o := options(t, w)
	o.Attachments, o.Last = NewAttachments(nil, false), fake.Snapshot(t, nil)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for fate, audience := range want {
		if p := o.Attachments.Decision("component:default/" + strings.ReplaceAll(fate, " ", "-")); p.Audience != audience {
			t.Errorf("%s: %+v", fate, p)
		}
	}
}

// TestCarryNeedsAKeeper: a sink that takes only complete uploads would delete what was not read, so
// the run ends.
func TestCarryNeedsAKeeper(t *testing.T) {
	w := fake.NewWorld(t)
	l := fake.NewLibrary(w)
	w.Add("catalog", "component", "c", "plain")
	l.Results["component:default/c"] = component.Attached{Reason: "the answer was cut"}
	o := options(t, w)
	o.Last = fake.Snapshot(t, []baseline.Entry{page("c", "p", access.AllUsers)})
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "would delete it") {
		t.Errorf("%v", err)
	}
}

// TestMarks: a host may stay unread only when the sink holds all that was read under its mark, and
// the mark of a run that did not read it stays.
func TestMarks(t *testing.T) {
	const a, b, c, d = "component:default/a", "component:default/b", "component:default/c", "component:default/d"
	l := fake.NewLibrary(fake.NewWorld(t))
	hosts := component.HostsOf(l)
	leaving := page("c", "q", access.AllUsers)
	leaving.Leaving = true
	last := fake.Snapshot(t, []baseline.Entry{page("a", "p", access.AllUsers), page("a", "q", access.AllUsers),
		page("b", "p", access.AllUsers), page("c", "p", access.AllUsers), leaving, fake.Document("other", access.AllUsers)})
	marks := map[string]baseline.Mark{a: {Text: "1", Items: 2}, b: {Text: "1", Items: 2}, c: {Text: "1", Items: 2}}
	of := func(same bool, hidden ...baseline.Hidden) *Attachments {
		t.Helper()
		x := NewAttachments(marks, same)
		if err := x.remember(last, baseline.HidingOf(hidden, hosts), hosts); err != nil {
			t.Fatal(err)
		}
		return x
	}
	for name, tc := range map[string]struct {
		x     *Attachments
		host  string
		valid bool
	}{
		"all is there":           {of(true), a, true},
		"everything is sent":     {of(false), a, false},
		"one page is missing":    {of(true), b, false},
		"one page is leaving":    {of(true), c, false},
		"never read":             {of(true), d, false},
		"one page was hidden":    {of(true, baseline.Hidden{Ref: "page:default/a/p"}), a, false},
		"the host was hidden":    {of(true, baseline.Hidden{Ref: a}), a, false},
		"another host is hidden": {of(true, baseline.Hidden{Ref: b}), a, true},
	} {
		if m := tc.x.mark(tc.host); m.Valid != tc.valid {
			t.Errorf("%s: %+v", name, m)
		}
	}

	x := of(true)
	x.end(a, component.Attached{State: component.AttachedRead, Mark: "2"})
	x.end(b, component.Attached{Reason: "the answer was cut"})
	x.add(b)
	x.end(c, component.Attached{State: component.AttachedGone, Mark: "2"})
	x.end(d, component.Attached{State: component.AttachedRead, Mark: "2"})
	x.Spoil(d)
	got := x.Marks(func(string) int { return 7 })
	want := map[string]baseline.Mark{a: {Text: "2", Items: 7}, b: {Text: "1", Items: 2}, d: {Text: "2", Items: -1}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if unread, records := x.Unread(); len(unread) != 1 || unread[0] != b || records != 1 {
		t.Errorf("unread: %v with %d records", unread, records)
	}
	notes := strings.Join(x.notes("page"), "\n")
	for _, part := range []string{b + ": the answer was cut; 1 in the sink stay as they are",
		"is gone from the source: " + c} {
		if !strings.Contains(notes, part) {
			t.Errorf("no %q in:\n%s", part, notes)
		}
	}
}

// program is a transform that runs a program, for records that are not skipped.
type program struct {
	component.Transform
	skips bool
}

func (p program) Apply(_ context.Context, _ *component.Worker, records []*component.Record) ([]component.Outcome,
	error) {
	out := make([]component.Outcome, len(records))
	for i := range out {
		out[i].Skipped = p.skips
	}
	return out, nil
}

func (program) Program() component.Program { return component.Program{} }

// TestMarksOfTransforms: a host must be read again when a transform of its records depends on more
// than these records: on another record, or on a program.
func TestMarksOfTransforms(t *testing.T) {
	for name, tc := range map[string]struct {
		fate  string
		more  []component.Transform
		items int
	}{
		"its own record":  {"plain", nil, 7},
		"dropped":         {"dropped", nil, 7},
		"another record":  {"filtered by component:default/other", nil, -1},
		"a program":       {"plain", []component.Transform{program{}}, -1},
		"a program skips": {"plain", []component.Transform{program{skips: true}}, 7},
		"dropped before":  {"dropped", []component.Transform{program{}}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			w := company(t, 2)
			w.About = "component:default/c001"
			l := fake.NewLibrary(w)
			l.AddPage("c000", "p", tc.fate)
			w.P.Transforms = append(w.P.Transforms, tc.more...)
			o := options(t, w)
			o.Attachments = NewAttachments(nil, true)
			if err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			m := o.Attachments.Marks(func(string) int { return 7 })["component:default/c000"]
			if m.Text != "mark" || m.Items != tc.items {
				t.Errorf("%+v", m)
			}
		})
	}
}

// TestShrunk: a host that lost more than half of its records is named.
func TestShrunk(t *testing.T) {
	const a = "component:default/a"
	for _, tc := range []struct {
		before, now int
		want        string
	}{{10, 4, a + " shrank from 10 records to 4"}, {10, 5, ""}, {3, 0, ""}} {
		x := NewAttachments(nil, false)
		x.host(a).before = tc.before
		x.end(a, component.Attached{State: component.AttachedRead})
		for range tc.now {
			x.add(a)
		}
		if got := x.Shrunk(a); got != tc.want {
			t.Errorf("%d to %d: %q", tc.before, tc.now, got)
		}
		if notes := x.notes("page"); len(notes) > 0 != (tc.want != "") {
			t.Errorf("%d to %d: %q", tc.before, tc.now, notes)
		}
	}
}
