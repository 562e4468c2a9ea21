package baseline

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/stage"
)

// comparisonCase is a run that is compared with a baseline, without a source or a sink.
// Documents have permissions, members are counted by their principals.
type comparisonCase struct {
	before    []Entry
	staged    map[string][]component.Encoded // by stream
	withheld  []string                       // refs of documents
	delivered []string                       // refs of records
	open      bool                           // documents have no permissions
}

// snapshotOf is a baseline with entries of documents and members.
func snapshotOf(t *testing.T, entries []Entry) *Snapshot {
	t.Helper()
	store := open(t, t.TempDir())
	w, err := store.Create(Header{Streams: map[string]int{"documents": 0, "members": 0}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		w.Add(e)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	base, err := store.Load()
	if err != nil || base.Snapshot == nil {
		t.Fatalf("%v, %+v", err, base)
	}
	t.Cleanup(func() { base.Close() })
	return base.Snapshot
}

// compare writes the baseline and the stage and compares them.
func (tc comparisonCase) compare(t *testing.T) *Comparison {
	t.Helper()
	s := stage.New()
	t.Cleanup(s.Close)
	for stream, items := range tc.staged {
		for _, e := range items {
			if taken, err := s.Put(stream, e, 1, func(string) bool { return false }); err != nil || taken != "" {
				t.Fatal(taken, err)
			}
		}
	}
	for _, ref := range tc.withheld {
		if err := s.Withhold("documents", ref, ref); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	fate := func(ref string) (component.Ending, string) {
		if slices.Contains(tc.delivered, ref) {
			return component.Delivered, ""
		}
		return component.Pending, ""
	}
	c, err := Compare(&component.Plan{Streams: []component.StreamPlan{{Name: "documents"}, {Name: "members", Own: true}}}, snapshotOf(t, tc.before), Run{
		Stage: s, Fate: fate, Off: func(string) bool { return false }, Permissions: func(stream string) bool { return stream == "documents" && !tc.open },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// document is an entry of the baseline whose ID is its ref.
func document(ref string, audience access.Audience, names ...string) Entry {
	return Entry{Stream: "documents", Ref: ref, Type: "component", Audience: audience.String(), ID: codec.Hash([]byte(ref)), Names: hashes(names...)}
}

// away is a document that a run before the last one already lacked.
func away(e Entry) Entry {
	e.Away = time.Now().Add(-24 * time.Hour)
	return e
}

// staged is a document of the new run whose ID is its ref.
func staged(ref, rule string, audience access.Audience, names ...string) component.Encoded {
	return component.Encoded{ID: ref, Ref: ref, Type: "component", Audience: audience, Rule: rule, Principals: names}
}

// hashes are the hashes of names, ascending.
func hashes(names ...string) []uint64 {
	var out []uint64
	for _, name := range names {
		out = append(out, codec.Hash([]byte(name)))
	}
	slices.Sort(out)
	return out
}

// refsOf are the refs of changes, in their order.
func refsOf(changes []fault.Change) []string {
	var out []string
	for _, ch := range changes {
		out = append(out, ch.Ref)
	}
	return out
}

// TestDocumentsBefore: the documents of the last good run are counted by audience,
// withheld ones included, those that it no longer had excluded.
func TestDocumentsBefore(t *testing.T) {
	c := comparisonCase{before: []Entry{
		document("listed", access.Listed, "sam"), document("open", access.AllUsers), document("withheld", access.Nobody),
		away(document("listed and away", access.Listed, "sam")), away(document("withheld and away", access.Nobody)),
		{Stream: "members", Ref: "group"},
	}}.compare(t)
	if got, want := fmt.Sprint(c.audience), fmt.Sprint(map[access.Audience]int{access.Nobody: 1, access.Listed: 1, access.AllUsers: 1}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if ch := c.streams["documents"]; ch.Before != 2 || ch.Gone != 2 {
		t.Errorf("%+v", ch)
	}
}

// TestMembersBefore: members are counted in all groups, and of the groups those that
// had any.
func TestMembersBefore(t *testing.T) {
	group := func(ref string, names ...string) Entry {
		return Entry{Stream: "members", Ref: ref, ID: codec.Hash([]byte(ref)), Names: hashes(names...)}
	}
	c := comparisonCase{before: []Entry{group("one", "ann"), group("two", "ann", "sam"), group("empty")}}.compare(t)
	if r := c.rows["members"]; *r != (rowChanges{before: 3, filled: 2}) {
		t.Errorf("%+v", r)
	}
	if c.rows["documents"] != nil {
		t.Error("documents were counted by their principals")
	}
}

// TestMembersChanged: a group that gained members is listed with how many, the largest
// gain first; one that lost members is a loss, whatever it gained.
func TestMembersChanged(t *testing.T) {
	group := func(ref string, names ...string) (Entry, component.Encoded) {
		return Entry{Stream: "members", Ref: ref, ID: codec.Hash([]byte(ref)), Content: 1, Names: hashes("ann", "sam")},
			component.Encoded{ID: ref, Ref: ref, Principals: names}
	}
	var before []Entry
	var now []component.Encoded
	for _, g := range []struct {
		ref   string
		names []string
	}{
		{"same", []string{"ann", "sam"}},
		{"two more, b", []string{"ann", "sam", "eve", "tom"}},
		{"two more, a", []string{"ann", "sam", "eve", "tom"}},
		{"three more", []string{"ann", "sam", "eve", "tom", "joe"}},
		{"another", []string{"ann", "eve"}},
		{"one less", []string{"ann"}},
	} {
		entry, e := group(g.ref, g.names...)
		before, now = append(before, entry), append(now, e)
	}
	c := comparisonCase{before: before, staged: map[string][]component.Encoded{"members": now}}.compare(t)
	if want := []gain{{"three more", 3}, {"two more, a", 2}, {"two more, b", 2}, {"another", 1}}; !slices.Equal(c.gains, want) {
		t.Errorf("gains %v", c.gains)
	}
	if got := refsOf(c.lost["members"]); !slices.Equal(got, []string{"another", "one less"}) || c.lost["members"][0].N != 1 {
		t.Errorf("lost %+v", c.lost["members"])
	}
}

// TestReasonsInOrder: what goes is listed by its reason, the most frequent one first.
func TestReasonsInOrder(t *testing.T) {
	var before []Entry
	for i := range 14 {
		before = append(before, document(fmt.Sprintf("d%02d", i), access.AllUsers))
	}
	c := comparisonCase{before: before, delivered: []string{"d00", "d01"}}.compare(t)
	var got []string
	for _, x := range c.gone["documents"] {
		got = append(got, fmt.Sprintf("%s: %d, %d shown", x.Why, x.N, len(x.Refs)))
	}
	if want := []string{"gone from the source: 12, 10 shown", "has another id, or is no longer mapped to it: 2, 2 shown"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestAddedAgain: a document that the last good run did not deliver is added, whether
// or not the baseline has it.
func TestAddedAgain(t *testing.T) {
	for name, before := range map[string][]Entry{
		"unknown":           nil,
		"away":              {away(document("a", access.AllUsers))},
		"withheld":          {document("a", access.Nobody)},
		"withheld and away": {away(document("a", access.Nobody))},
	} {
		c := comparisonCase{before: before, staged: map[string][]component.Encoded{"documents": {staged("a", "default", access.AllUsers)}}}.compare(t)
		if ch := c.streams["documents"]; ch.Added != 1 || ch.Changed+ch.Same+ch.Gone+ch.Before != 0 || c.added[access.AllUsers] != 1 {
			t.Errorf("%s: %+v, added %v", name, ch, c.added)
		}
	}
}

// TestDecidedAgain: what the baseline has of a document is replaced when the new run
// decides about the same ref and ID, and kept when it has only one of the two.
func TestDecidedAgain(t *testing.T) {
	other := func(id, ref string) component.Encoded {
		e := staged(ref, "default", access.Listed, "sam")
		e.ID = id
		return e
	}
	for name, tc := range map[string]struct {
		staged   []component.Encoded
		withheld []string
		again    bool
	}{
		"the same":        {[]component.Encoded{staged("a", "default", access.Listed, "sam")}, nil, true},
		"withheld":        {nil, []string{"a"}, true},
		"another ID":      {[]component.Encoded{other("b", "a")}, nil, false},
		"another ref":     {[]component.Encoded{other("a", "b")}, nil, false},
		"another":         {[]component.Encoded{staged("b", "default", access.Listed, "sam")}, nil, false},
		"another, hidden": {nil, []string{"b"}, false},
	} {
		c := comparisonCase{before: []Entry{document("a", access.Listed, "sam")}, staged: map[string][]component.Encoded{"documents": tc.staged}, withheld: tc.withheld}.compare(t)
		if row := c.previous.rows[0]; row.again != tc.again {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

// TestWidenedTogether: widened documents are listed together when rule, earlier and
// new audience are the same, the widest first and then the largest list.
func TestWidenedTogether(t *testing.T) {
	before := func(audience access.Audience, refs ...string) []Entry {
		var out []Entry
		for _, ref := range refs {
			out = append(out, document(ref, audience))
		}
		return out
	}
	c := comparisonCase{
		before: slices.Concat(before(access.Nobody, "a", "b", "c", "f"), before(access.Listed, "d", "e")),
		staged: map[string][]component.Encoded{"documents": {
			staged("a", "one", access.DatasourceUsers), staged("b", "one", access.AllUsers), staged("c", "two", access.AllUsers),
			staged("d", "one", access.AllUsers), staged("e", "one", access.AllUsers), staged("f", "two", access.AllUsers),
		}},
	}.compare(t)
	var got []string
	for _, w := range c.wider {
		got = append(got, fmt.Sprintf("%s: %s → %s %v", w.Rule, w.From, w.To, refsOf(w.Changes)))
	}
	want := []string{"two: nobody → all-users [c f]", "one: listed → all-users [d e]", "one: nobody → all-users [b]", "one: nobody → datasource-users [a]"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestStreamWithoutPermissions: nothing of it counts as found by more people.
func TestStreamWithoutPermissions(t *testing.T) {
	for _, open := range []bool{false, true} {
		c := comparisonCase{
			before: []Entry{document("a", access.Listed, "sam"), document("b", access.Listed, "sam")},
			staged: map[string][]component.Encoded{"documents": {staged("a", "default", access.AllUsers), staged("new", "default", access.AllUsers)}},
			open:   open,
		}.compare(t)
		if len(c.wider) == 0 != open || len(c.swapped) == 0 != open || (c.added[access.AllUsers] == 0) != open {
			t.Errorf("open %t: %d widened, %d swapped, added %v", open, len(c.wider), len(c.swapped), c.added)
		}
	}
}
