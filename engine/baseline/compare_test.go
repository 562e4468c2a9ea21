package baseline_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// TestDocumentsBefore: the documents of the last good run are counted by audience, including
// withheld ones and excluding those that were already away.
func TestDocumentsBefore(t *testing.T) {
	c := fake.Comparison{Before: []baseline.Entry{
		fake.Document("listed", access.Listed, "sam"), fake.Document("open", access.AllUsers),
		fake.Document("withheld", access.Nobody),
		fake.Away(fake.Document("listed and away", access.Listed, "sam")),
		fake.Away(fake.Document("withheld and away", access.Nobody)),
		{Stream: "members", Ref: "group"},
	}}.Compare(t)
	if got, want := fmt.Sprint(c.Audience()), fmt.Sprint(map[access.Audience]int{access.Nobody: 1, access.Listed: 1,
		access.AllUsers: 1}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if ch := c.Of("documents"); ch.Before != 2 || ch.Gone != 2 {
		t.Errorf("%+v", ch)
	}
}

// TestMembersBefore: the members of all groups are counted, and the groups that had any.
func TestMembersBefore(t *testing.T) {
	group := func(ref string, names ...string) baseline.Entry {
		return baseline.Entry{Stream: "members", Ref: ref, ID: codec.Hash([]byte(ref)), Names: fake.Hashes(names...)}
	}
	c := fake.Comparison{Before: []baseline.Entry{group("one", "ann"), group("two", "ann", "sam"),
		group("empty")}}.Compare(t)
	if before, filled, counted := c.Members("members"); before != 3 || filled != 2 || !counted {
		t.Errorf("%d members in %d groups, counted %t", before, filled, counted)
	}
	if _, _, counted := c.Members("documents"); counted {
		t.Error("documents were counted by their principals")
	}
}

// TestMembersChanged: groups that gained members are listed with the number, the largest gain
// first; a group that lost members is a loss, even if it also gained some.
func TestMembersChanged(t *testing.T) {
	group := func(ref string, names ...string) (baseline.Entry, component.Encoded) {
		return baseline.Entry{Stream: "members", Ref: ref, ID: codec.Hash([]byte(ref)), Content: 1,
				Names: fake.Hashes("ann", "sam")},
			component.Encoded{ID: ref, Ref: ref, Principals: names}
	}
	var before []baseline.Entry
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
		{"one fewer", []string{"ann"}},
	} {
		entry, e := group(g.ref, g.names...)
		before, now = append(before, entry), append(now, e)
	}
	c := fake.Comparison{Before: before, Staged: map[string][]component.Encoded{"members": now}}.Compare(t)
	if got := c.Gained(); got != "groups with more members than before: three more +3, two more, a +2, two more, b +2, "+
		"another +1" {
		t.Error(got)
	}
	if got := fake.Refs(c.Lost("members")); !slices.Equal(got, []string{"another", "one fewer"}) ||
		c.Lost("members")[0].N != 1 {
		t.Errorf("lost %+v", c.Lost("members"))
	}
}

// TestReasonsInOrder: deleted items are listed by reason, the most frequent first.
func TestReasonsInOrder(t *testing.T) {
	var before []baseline.Entry
	for i := range 14 {
		before = append(before, fake.Document(fmt.Sprintf("d%02d", i), access.AllUsers))
	}
	c := fake.Comparison{Before: before, Delivered: []string{"d00", "d01"}}.Compare(t)
	var got []string
	for _, x := range c.Why("documents") {
		got = append(got, fmt.Sprintf("%s: %d, %d shown", x.Why, x.N, len(x.Refs)))
	}
	if want := []string{"gone from the source: 12, 10 shown",
		"has another id or is no longer mapped to a document: 2, 2 shown"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestAddedAgain: a document that the last good run did not deliver counts as added, whether or
// not the baseline has an entry of it.
func TestAddedAgain(t *testing.T) {
	for name, before := range map[string][]baseline.Entry{
		"unknown":           nil,
		"away":              {fake.Away(fake.Document("a", access.AllUsers))},
		"withheld":          {fake.Document("a", access.Nobody)},
		"withheld and away": {fake.Away(fake.Document("a", access.Nobody))},
	} {
		c := fake.Comparison{Before: before,
			Staged: map[string][]component.Encoded{"documents": {fake.Staged("a", "default", access.AllUsers)}}}.Compare(t)
		if ch := c.Of("documents"); ch.Added != 1 || ch.Changed+ch.Same+ch.Gone+ch.Before != 0 ||
			c.Added(access.AllUsers) != 1 {
			t.Errorf("%s: %+v, added %d", name, ch, c.Added(access.AllUsers))
		}
	}
}

// TestDecidedAgain: the entry of a document is replaced when the new run decides about the same
// ref and ID, and kept when only one of them is the same.
func TestDecidedAgain(t *testing.T) {
	other := func(id, ref string) component.Encoded {
		e := fake.Staged(ref, "default", access.Listed, "sam")
		e.ID = id
		return e
	}
	for name, tc := range map[string]struct {
		staged   []component.Encoded
		withheld []string
		again    bool
	}{
		"the same":        {[]component.Encoded{fake.Staged("a", "default", access.Listed, "sam")}, nil, true},
		"withheld":        {nil, []string{"a"}, true},
		"another ID":      {[]component.Encoded{other("b", "a")}, nil, false},
		"another ref":     {[]component.Encoded{other("a", "b")}, nil, false},
		"another":         {[]component.Encoded{fake.Staged("b", "default", access.Listed, "sam")}, nil, false},
		"another, hidden": {nil, []string{"b"}, false},
	} {
		c := fake.Comparison{Before: []baseline.Entry{fake.Document("a", access.Listed, "sam")},
			Staged: map[string][]component.Encoded{"documents": tc.staged}, Withheld: tc.withheld}.Compare(t)
		if c.Renewed(0) != tc.again {
			t.Errorf("%s: %t", name, !tc.again)
		}
	}
}

// TestWidenedTogether: widened documents with the same rule, earlier and new audience are
// grouped, the widest first, then the largest group.
func TestWidenedTogether(t *testing.T) {
	before := func(audience access.Audience, refs ...string) []baseline.Entry {
		var out []baseline.Entry
		for _, ref := range refs {
			out = append(out, fake.Document(ref, audience))
		}
		return out
	}
	c := fake.Comparison{
		Before: slices.Concat(before(access.Nobody, "a", "b", "c", "f"), before(access.Listed, "d", "e")),
		Staged: map[string][]component.Encoded{"documents": {
			fake.Staged("a", "one", access.DatasourceUsers), fake.Staged("b", "one", access.AllUsers),
			fake.Staged("c", "two", access.AllUsers),
			fake.Staged("d", "one", access.AllUsers), fake.Staged("e", "one", access.AllUsers),
			fake.Staged("f", "two", access.AllUsers),
		}},
	}.Compare(t)
	var got []string
	for _, w := range c.Wider() {
		got = append(got, fmt.Sprintf("%s: %s → %s %v", w.Rule, w.From, w.To, fake.Refs(w.Changes)))
	}
	want := []string{"two: nobody → all-users [c f]", "one: listed → all-users [d e]", "one: nobody → all-users [b]",
		"one: nobody → datasource-users [a]"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestStreamWithoutPermissions: items of a stream without permissions never count as found by
// more people.
func TestStreamWithoutPermissions(t *testing.T) {
	for _, open := range []bool{false, true} {
		c := fake.Comparison{
			Before: []baseline.Entry{fake.Document("a", access.Listed, "sam"), fake.Document("b", access.Listed, "sam")},
			Staged: map[string][]component.Encoded{"documents": {fake.Staged("a", "default", access.AllUsers),
				fake.Staged("new", "default", access.AllUsers)}},
			Open: open,
		}.Compare(t)
		if len(c.Wider()) == 0 != open || len(c.Swapped()) == 0 != open || (c.Added(access.AllUsers) == 0) != open {
			t.Errorf("open %t: %d widened, %d swapped, added %d", open, len(c.Wider()), len(c.Swapped()),
				c.Added(access.AllUsers))
		}
	}
}
