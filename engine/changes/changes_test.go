package changes_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/changes"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"

	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// night is the items that one run sends, by stream. An item is written as "id content: audience
// names", and a group of members as "id: names".
type night map[string][]string

var order = []changes.Stream{
	{Name: "users", What: changes.Users}, {Name: "groups", What: changes.Groups},
	{Name: "documents", What: changes.Documents},
	{Name: "members", What: changes.Members},
}

// encoded returns an item of a stream in the form that a session encodes.
func encoded(stream, text string) component.Encoded {
	head, access := split(text)
	id, content, _ := strings.Cut(head, " ")
	body := id + "|" + content
	e := component.Encoded{ID: id, Ref: "ref-" + id, Type: "component", Principal: id}
	if stream == "documents" {
		e.Access = len(body)
		e.Audience, e.Principals, e.AllOf = grant(access)
		e.Resolved = !strings.Contains(access, "?")
		if content == "system" {
			e.Type = "system"
		}
	}
	if stream == "members" {
		e.Principals = strings.Fields(access)
	}
	if content == "inactive" {
		e.Principal = ""
	}
	e.Kept = content == "kept"
	e.Body = []byte(body + access)
	e.Hash()
	return e
}

func split(text string) (head, rest string) {
	head, rest, _ = strings.Cut(text, ":")
	return head, strings.TrimSpace(rest)
}

// grant parses "all", "everybody" or names; a name with + is a set of groups.
func grant(text string) (a access.Audience, names []string, allOf [][]string) {
	switch text {
	case "all":
		return access.AllUsers, nil, nil
	case "everybody":
		return access.DatasourceUsers, nil, nil
	}
	for _, n := range strings.Fields(text) {
		if n == "?" {
			continue
		}
		if strings.Contains(n, "+") {
			allOf = append(allOf, strings.Split(n, "+"))
		} else {
			names = append(names, n)
		}
	}
	return access.Listed, names, allOf
}

// world compares nights.
type world struct {
	t     *testing.T
	store *baseline.Store
	last  *baseline.Snapshot
}

func newWorld(t *testing.T) *world {
	return &world{t: t, store: fake.Folder{T: t, Dir: t.TempDir()}.Baseline()}
}

func (w *world) stage(n night, withheld ...string) *stage.Stage {
	w.t.Helper()
	s := stage.New()
	w.t.Cleanup(s.Close)
	for _, stream := range order {
		for _, text := range n[stream.Name] {
			if _, err := s.Put(stream.Name, encoded(stream.Name, text), 1, func(string) bool { return false }); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for _, id := range withheld {
		id, unknown := strings.CutPrefix(id, "?")
		if err := s.Withhold("documents", "ref-"+id, id, !unknown); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// good makes a night the last good run.
func (w *world) good(n night) {
	w.t.Helper()
	out, err := w.store.Create(baseline.Header{Run: "good", Finished: time.Now(),
		Streams: map[string]int{"users": 0, "groups": 0, "documents": 0, "members": 0}})
	if err != nil {
		w.t.Fatal(err)
	}
	s := w.stage(n)
	for _, stream := range order {
		for t, err := range s.Tags(stream.Name) {
			if err != nil {
				w.t.Fatal(err)
			}
			e := baseline.Entry{Stream: stream.Name, Ref: t.Ref, ClearID: t.ID, ID: codec.Hash([]byte(t.ID)), Type: t.Type,
				Content: t.Content, Substance: t.Substance, Resolved: t.Resolved, Names: t.Names}
			if t.Audience != access.Undecided {
				e.Audience = t.Audience.String()
			}
			out.Add(e)
		}
	}
	if err := out.Commit(); err != nil {
		w.t.Fatal(err)
	}
	base, err := w.store.Load()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { base.Close() })
	w.last = base.Snapshot
}

// of returns the changes of a night.
func (w *world) of(n night, withheld ...string) *component.Changes {
	w.t.Helper()
	out, err := changes.Of(w.input(n, withheld...))
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// input returns the input for a night. A withheld ID with ? before it names no known principal.
func (w *world) input(n night, withheld ...string) changes.Input {
	w.t.Helper()
	in := changes.Input{Streams: order, Stage: w.stage(n, withheld...)}
	if w.last != nil {
		plan := &component.Plan{Streams: []component.StreamPlan{
			{Name: "users"}, {Name: "groups"}, {Name: "documents"}, {Name: "members", Own: true},
		}}
		var err error
		if in.Last, err = baseline.Compare(plan, w.last, baseline.Run{
			Stage: in.Stage, Now: time.Now(), Off: func(string) bool { return false },
			Fate:        func(string) (component.Ending, string) { return component.Pending, "" },
			Permissions: func(stream string) bool { return stream == "documents" },
		}); err != nil {
			w.t.Fatal(err)
		}
		in.Snapshot = w.last
	}
	var err error
	if in.Journal, err = w.store.Journal(in.Last); err != nil {
		w.t.Fatal(err)
	}
	return in
}

// texts returns changes, one line each; names are the names behind the hashes.
func texts(t *testing.T, c *component.Changes, names ...string) []string {
	t.Helper()
	var out []string
	for step := range component.Steps {
		for ch, err := range c.Each(step) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, changeText(ch, names))
		}
	}
	return out
}

func changeText(ch component.Change, names []string) string {
	text := fmt.Sprintf("%s %s %s", ch.Step, ch.Stream, ch.ID)
	if ch.Remove {
		text += " removed"
	}
	if ch.Revoke {
		text += " at once"
	}
	if !ch.Remove && (ch.Step == component.Narrow || ch.Step == component.Widen || ch.Stream == "members") {
		text += ":"
		if ch.To.Audience > access.Listed {
			text += " " + ch.To.Audience.String()
		}
		for _, n := range names {
			if ch.To.Has(n) || strings.Contains(n, "+") && ch.To.HasAllOf(strings.Split(n, "+")) {
				text += " " + n
			}
		}
	}
	if ch.Number != 0 {
		text += " ."
	}
	return text
}

// TestChanges: the difference between two nights, in the order in which it is sent. The last
// change of an item ends with a dot.
func TestChanges(t *testing.T) {
	for name, tc := range map[string]struct {
		before, now night
		withheld    []string
		want        []string
	}{
		"nothing": {night{"documents": {"d 1: A"}, "groups": {"A"}, "users": {"u"}, "members": {"A: u"}},
			night{"documents": {"d 1: A"}, "groups": {"A"}, "users": {"u"}, "members": {"A: u"}}, nil, nil},
		"new": {night{}, night{"documents": {"d 1: A"}, "groups": {"A"}, "users": {"u"}, "members": {"A: u"}}, nil,
			[]string{"grow users u .", "grow groups A .", "grow members A: u .", "write documents d ."}},
		"only content": {night{"documents": {"d 1: A"}}, night{"documents": {"d 2: A"}}, nil,
			[]string{"write documents d ."}},
		"fewer people": {night{"documents": {"d 1: A B"}}, night{"documents": {"d 1: A"}}, nil,
			[]string{"narrow documents d: A ."}},
		"more people": {night{"documents": {"d 1: A"}}, night{"documents": {"d 1: A B"}}, nil,
			[]string{"widen documents d: A B ."}},
		"other people": {night{"documents": {"d 1: A B"}}, night{"documents": {"d 1: B C"}}, nil,
			[]string{"narrow documents d: B", "widen documents d: B C ."}},
		"no one stays": {night{"documents": {"d 1: A"}}, night{"documents": {"d 1: B"}}, nil,
			[]string{"narrow documents d:", "widen documents d: B ."}},
		"content and fewer people": {night{"documents": {"d 1: A B"}}, night{"documents": {"d 2: A"}}, nil,
			[]string{"narrow documents d: A", "write documents d ."}},
		"content and more people": {night{"documents": {"d 1: A"}}, night{"documents": {"d 2: A B"}}, nil,
			[]string{"write documents d ."}},
		"from all to one": {night{"documents": {"d 1: all"}}, night{"documents": {"d 1: A"}}, nil,
			[]string{"narrow documents d: A ."}},
		"from one to all": {night{"documents": {"d 1: A"}}, night{"documents": {"d 1: all"}}, nil,
			[]string{"widen documents d: all-users ."}},
		"from all to a new user": {night{"documents": {"d 1: all"}},
			night{"documents": {"d 1: A u"}, "users": {"u"}}, nil,
			[]string{"narrow documents d: A", "grow users u .", "widen documents d: A u ."}},
		"from all to a set with a new group": {night{"documents": {"d 1: all"}},
			night{"documents": {"d 1: A+B"}, "groups": {"B"}}, nil,
			[]string{"narrow documents d:", "grow groups B .", "widen documents d: A+B ."}},
		"a set for a group": {night{"documents": {"d 1: A"}}, night{"documents": {"d 1: A+B"}}, nil,
			[]string{"narrow documents d: A+B ."}},
		"a set in addition to its group": {night{"documents": {"d 1: A"}}, night{"documents": {"d 1: A A+B"}}, nil,
			[]string{"widen documents d: A A+B ."}},
		"a group for a set": {night{"documents": {"d 1: A+B"}}, night{"documents": {"d 1: A"}}, nil,
			[]string{"narrow documents d:", "widen documents d: A ."}},
		"gone": {night{"documents": {"d 1: A"}}, night{}, nil, []string{"narrow documents d removed ."}},
		"withheld": {night{"documents": {"d 1: A"}}, night{}, []string{"d"},
			[]string{"narrow documents d removed at once ."}},
		"another type": {night{"documents": {"d 1: A"}}, night{"documents": {"d system: A"}}, nil,
			[]string{"narrow documents d removed", "write documents d ."}},
		"a member leaves": {night{"members": {"A: u v"}}, night{"members": {"A: u"}}, nil, []string{"cut members A: u ."}},
		"a member joins":  {night{"members": {"A: u"}}, night{"members": {"A: u v"}}, nil, []string{"grow members A: u v ."}},
		"members change": {night{"members": {"A: u v"}}, night{"members": {"A: v w"}}, nil,
			[]string{"cut members A: v", "grow members A: v w ."}},
		"a staying member is unknown to the sink": {night{"members": {"A: u v"}},
			night{"users": {"u"}, "members": {"A: u"}}, nil,
			[]string{"cut members A:", "grow users u .", "grow members A: u ."}},
		"user removed": {night{"users": {"u"}}, night{}, nil,
			[]string{"cut users u removed", "drop users u removed ."}},
		"a user becomes inactive": {night{"users": {"u"}}, night{"users": {"u inactive"}}, nil, []string{"cut users u ."}},
		"a user becomes active":   {night{"users": {"u inactive"}}, night{"users": {"u"}}, nil, []string{"grow users u ."}},
		"group removed": {night{"groups": {"A"}, "members": {"A: u"}}, night{}, nil,
			[]string{"drop groups A removed ."}},
		"a group in other case": {night{"groups": {"A"}, "members": {"A: u"}},
			night{"groups": {"a"}, "members": {"a: u"}}, nil,
			[]string{"cut groups A removed .", "grow groups a .", "grow members a: u ."}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.good(tc.before)
			got := texts(t, w.of(tc.now, tc.withheld...), "A", "B", "C", "A+B", "u", "v", "w")
			if !slices.Equal(got, tc.want) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

// TestOtherMembers: a group with unchanged member names is sent again when its content differs,
// as after the sink refused a member.
func TestOtherMembers(t *testing.T) {
	w := newWorld(t)
	w.good(night{"members": {"A 1: u", "B 1: u v"}})
	got := texts(t, w.of(night{"members": {"A 2: u", "B 2: u"}}), "u", "v")
	if want := []string{"cut members B: u .", "grow members A: u ."}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestFirstRun: without a last good run everything is new.
func TestFirstRun(t *testing.T) {
	c := newWorld(t).of(night{"documents": {"d 1: A"}})
	if got := texts(t, c); !slices.Equal(got, []string{"write documents d ."}) {
		t.Errorf("%q", got)
	}
}

// interrupted intends the changes of a night and acknowledges the first ones.
func (w *world) interrupted(n night, told int) {
	w.t.Helper()
	c := w.of(n)
	j, err := w.store.Begin(baseline.Publishing, "interrupted", time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	defer j.Close()
	if err := changes.Intend(c, j); err != nil {
		w.t.Fatal(err)
	}
	for step := range component.Steps {
		for ch, err := range c.Each(step) {
			if err != nil {
				w.t.Fatal(err)
			}
			if told--; told >= 0 {
				c.Told(ch)
			}
		}
	}
}

// TestKept: an item whose content was not read is narrowed and widened, and never written.
func TestKept(t *testing.T) {
	for name, tc := range map[string]struct {
		before, now string
		want        []string
	}{
		"the same":            {"d 1: A", "d kept: A", nil},
		"fewer people":        {"d 1: A B", "d kept: A", []string{"narrow documents d: A ."}},
		"more people":         {"d 1: A", "d kept: A B", []string{"widen documents d: A B ."}},
		"other people":        {"d 1: A B", "d kept: B u", []string{"narrow documents d: B", "widen documents d: B u ."}},
		"everyone":            {"d 1: A", "d kept: all", []string{"widen documents d: all-users ."}},
		"no longer everyone":  {"d 1: all", "d kept: A", []string{"narrow documents d: A ."}},
		"the sink has it not": {"e 1: A", "d kept: A", []string{"narrow documents e removed ."}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.good(night{"documents": {tc.before}})
			got := texts(t, w.of(night{"documents": {tc.now}}), "A", "B", "u")
			if !slices.Equal(got, tc.want) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

// TestAfterAnInterruption: what an interrupted run may have sent is sent again, and in the
// meantime people find a document only if every state that may have been sent allows it.
func TestAfterAnInterruption(t *testing.T) {
	for name, tc := range map[string]struct {
		before, broken, now night
		told                int
		want                []string
	}{
		"nothing was sent": {night{"documents": {"d 1: A"}}, night{"documents": {"d 1: A B"}}, night{"documents": {"d 1: A"}},
			0,
			[]string{"narrow documents d: A", "write documents d ."}},
		"it was sent": {night{"documents": {"d 1: A"}}, night{"documents": {"d 1: A B"}}, night{"documents": {"d 1: A"}}, 1,
			[]string{"narrow documents d: A ."}},
		"it was sent and stays": {night{"documents": {"d 1: A"}}, night{"documents": {"d 1: A B"}},
			night{"documents": {"d 1: A B"}}, 1, nil},
		"maybe added, removed": {night{}, night{"documents": {"d 1: A"}}, night{}, 0,
			[]string{"narrow documents d removed ."}},
		"added, removed": {night{}, night{"documents": {"d 1: A"}}, night{}, 1, []string{"narrow documents d removed ."}},
		"maybe added, then kept": {night{}, night{"documents": {"d 1: A"}}, night{"documents": {"d 1: A"}}, 0,
			[]string{"write documents d ."}},
		"maybe removed, then kept": {night{"documents": {"d 1: A"}}, night{}, night{"documents": {"d 1: A"}}, 0,
			[]string{"write documents d ."}},
		"removed, then added again": {night{"documents": {"d 1: A"}}, night{}, night{"documents": {"d 1: A"}}, 1,
			[]string{"write documents d ."}},
		"removed": {night{"documents": {"d 1: A"}}, night{}, night{}, 1, nil},
		"members": {night{"members": {"A: u"}}, night{"members": {"A: u v"}}, night{"members": {"A: v"}}, 0,
			[]string{"cut members A:", "grow members A: v ."}},
		"a new group": {night{}, night{"groups": {"A"}, "members": {"A: u"}}, night{"groups": {"A"}, "members": {"A: v"}}, 0,
			[]string{"cut groups A .", "cut members A:", "grow members A: v ."}},
		"a group, maybe removed, then kept": {night{"groups": {"A", "B"}, "members": {"A: u", "B: u"}},
			night{"groups": {"B"}, "members": {"B: u"}}, night{"groups": {"A", "B"}, "members": {"A: u", "B: u"}}, 0,
			[]string{"cut groups A .", "grow members A: u ."}},
		"a group, removed, then added again": {night{"groups": {"A"}, "members": {"A: u"}}, night{},
			night{"groups": {"A"}, "members": {"A: u"}}, 1, []string{"grow groups A .", "grow members A: u ."}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.good(tc.before)
			w.interrupted(tc.broken, tc.told)
			got := texts(t, w.of(tc.now), "A", "B", "u", "v")
			if !slices.Equal(got, tc.want) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

// TestCounts: the counts match what Each yields, and the numbers of the last changes of items
// are 1, 2, 3 and so on.
func TestCounts(t *testing.T) {
	w := newWorld(t)
	w.good(night{"documents": {"a 1: A B", "b 1: A", "c 1: A"}, "users": {"u", "v"}, "members": {"A: u v"},
		"groups": {"A"}})
	c := w.of(night{"documents": {"a 1: B C", "b 2: A", "d system: A"}, "users": {"u", "w"}, "members": {"A: u w"},
		"groups": {"A"}})
	got, number := map[component.StepCount]int{}, 0
	for step := range component.Steps {
		for ch, err := range c.Each(step) {
			if err != nil {
				t.Fatal(err)
			}
			got[component.StepCount{Step: ch.Step, Stream: ch.Stream, Remove: ch.Remove}]++
			if ch.Number != 0 {
				if number++; ch.Number != number {
					t.Errorf("%s: number %d, want %d", changeText(ch, nil), ch.Number, number)
				}
			}
		}
	}
	want := map[component.StepCount]int{}
	for _, n := range c.Counts {
		key := n
		key.N = 0
		want[key] = n.N
	}
	if !maps.Equal(got, want) || number == 0 {
		t.Errorf("%v, counted %v", got, want)
	}
	if !c.Differs("members", "A") || c.Differs("members", "B") {
		t.Error("of the groups A alone differs")
	}
}

// TestUnknownID: a deleted item whose ID is not known in clear is counted, which makes the run
// publish everything.
func TestUnknownID(t *testing.T) {
	w := newWorld(t)
	w.good(night{"documents": {"d 1: A"}})
	out, err := w.store.Create(baseline.Header{Run: "old", Streams: map[string]int{"documents": 1}})
	if err != nil {
		t.Fatal(err)
	}
	out.Add(baseline.Entry{Stream: "documents", Ref: "ref-d", ID: codec.Hash([]byte("d")), Audience: "all-users"})
	if err := out.Commit(); err != nil {
		t.Fatal(err)
	}
	base, err := w.store.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	w.last = base.Snapshot
	if c := w.of(night{}); c.Unknown != 1 || !c.Empty() {
		t.Errorf("%d unknown, %v", c.Unknown, c.Counts)
	}
}

// TestTighten: only access that was narrowed by decision is sent, and everything else is
// counted.
func TestTighten(t *testing.T) {
	many := night{"documents": {"a 1: A", "b 1: A", "c 1: A", "d 1: A"}}
	for name, tc := range map[string]struct {
		before, now night
		withheld    []string
		most        int // how many documents may be deleted
		want        []string
		out         changes.Tightened
	}{
		"fewer people": {night{"documents": {"d 1: A B"}}, night{"documents": {"d 1: A"}}, nil, 0,
			[]string{"narrow documents d: A ."},
			changes.Tightened{Narrowed: []string{"ref-d"}}},
		"from all to one": {night{"documents": {"d 1: all"}}, night{"documents": {"d 1: A"}}, nil, 0,
			[]string{"narrow documents d: A ."},
			changes.Tightened{Narrowed: []string{"ref-d"}}},
		"fewer, with other content": {night{"documents": {"d 1: A B"}}, night{"documents": {"d 2: A"}}, nil, 0,
			[]string{"narrow documents d: A ."}, changes.Tightened{Narrowed: []string{"ref-d"}}},
		"a principal is unknown now": {night{"documents": {"d 1: A B"}}, night{"documents": {"d 1: A ?"}}, nil, 0, nil,
			changes.Tightened{Unsure: 1}},
		"a principal was unknown": {night{"documents": {"d 1: A B ?"}}, night{"documents": {"d 1: A"}}, nil, 0, nil,
			changes.Tightened{Unsure: 1}},
		"to a new user": {night{"documents": {"d 1: all"}}, night{"documents": {"d 1: u"}, "users": {"u"}}, nil, 0, nil,
			changes.Tightened{Unsure: 1}},
		"others, too": {night{"documents": {"d 1: A B"}}, night{"documents": {"d 1: A C"}}, nil, 0, nil,
			changes.Tightened{Unsure: 1}},
		"more people": {night{"documents": {"d 1: A"}}, night{"documents": {"d 1: A B"}}, nil, 0, nil,
			changes.Tightened{}},
		"only content": {night{"documents": {"d 1: A"}}, night{"documents": {"d 2: A"}}, nil, 0, nil,
			changes.Tightened{}},
		"its record is missing": {night{"documents": {"d 1: A"}}, night{}, nil, 9, nil, changes.Tightened{Unsure: 1}},
		"a rule grants no access": {night{"documents": {"d 1: A"}}, night{}, []string{"d"}, 1,
			[]string{"narrow documents d removed at once ."}, changes.Tightened{Removed: []string{"ref-d"}}},
		"no known principal": {night{"documents": {"d 1: A"}}, night{}, []string{"?d"}, 9, nil, changes.Tightened{Unsure: 1}},
		"too many to remove": {many, night{"documents": {"a 1: A"}}, []string{"b", "c", "d"}, 2, nil,
			changes.Tightened{TooMany: 3}},
		"another type": {night{"documents": {"d 1: A B"}}, night{"documents": {"d system: A"}}, nil, 9, nil,
			changes.Tightened{Unsure: 1}},
		"a member leaves": {night{"members": {"A: u v"}, "users": {"u", "v"}, "groups": {"A", "B"}},
			night{"members": {"A: u"}, "users": {"u"}, "groups": {"A"}}, nil, 9, nil, changes.Tightened{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.good(tc.before)
			in := w.input(tc.now, tc.withheld...)
			c, out, err := changes.Tighten(in, func(_ string, byType map[string]int) bool {
				n := 0
				for _, k := range byType {
					n += k
				}
				return n <= tc.most
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(t, c, "A", "B", "C", "u", "v"); !slices.Equal(got, tc.want) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
			if fmt.Sprint(*out) != fmt.Sprint(tc.out) || c.Count(component.Narrow) != len(tc.want) {
				t.Errorf("%+v, want %+v; %v", *out, tc.out, c.Counts)
			}
		})
	}
}

// TestAfterATightening: what a tightening sent is reverted when the next good run differs, and
// the content is still the earlier one.
func TestAfterATightening(t *testing.T) {
	for name, tc := range map[string]struct {
		now  night
		want []string
	}{
		"the access returns":                {night{"documents": {"d 1: A B"}}, []string{"widen documents d: A B ."}},
		"the access stays narrow":           {night{"documents": {"d 1: A"}}, nil},
		"it stays narrow, with new content": {night{"documents": {"d 2: A"}}, []string{"write documents d ."}},
	} {
		w := newWorld(t)
		w.good(night{"documents": {"d 1: A B"}})
		c, _, err := changes.Tighten(w.input(night{"documents": {"d 2: A"}}),
			func(string, map[string]int) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		j, err := w.store.Begin(baseline.Tightening, "tighten", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := changes.Intend(c, j); err != nil {
			t.Fatal(err)
		}
		for ch := range c.Each(component.Narrow) {
			c.Told(ch)
		}
		if err := errors.Join(j.Done(), j.Close()); err != nil {
			t.Fatal(err)
		}
		if got := texts(t, w.of(tc.now), "A", "B"); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
