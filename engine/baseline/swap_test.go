package baseline_test

import (
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// TestSwapped: a swap lists only the restricted documents that are deleted and the wider
// documents that are new.
func TestSwapped(t *testing.T) {
	renumbered := func(e component.Encoded) component.Encoded { e.ID = "id of " + e.Ref; return e }
	for name, tc := range map[string]struct {
		fake.Comparison
		gone, added  []string
		pairs, toAll int
	}{
		"one for one": {fake.Comparison{
			Before: []baseline.Entry{fake.Document("a", access.Listed, "sam")},
			Staged: map[string][]component.Encoded{"documents": {fake.Staged("new", "default", access.AllUsers)}},
		}, []string{"a"}, []string{"new"}, 1, 1},
		"deleted documents for everyone": {fake.Comparison{
			Before: []baseline.Entry{fake.Document("a", access.Listed, "sam"), fake.Document("open", access.AllUsers)},
			Staged: map[string][]component.Encoded{"documents": {fake.Staged("new", "default", access.AllUsers),
				fake.Staged("newer", "default", access.AllUsers)}},
		}, []string{"a"}, []string{"new", "newer"}, 1, 1},
		"only deleted documents for everyone": {fake.Comparison{
			Before: []baseline.Entry{fake.Document("open", access.AllUsers)},
			Staged: map[string][]component.Encoded{"documents": {fake.Staged("new", "default", access.AllUsers)}},
		}, nil, nil, 0, 0},
		"a document with another ID": {fake.Comparison{
			Before: []baseline.Entry{fake.Document("a", access.Listed, "sam"), fake.Document("b", access.Listed, "sam")},
			Staged: map[string][]component.Encoded{"documents": {renumbered(fake.Staged("b", "default", access.Listed,
				"sam")), fake.Staged("new", "default", access.AllUsers), fake.Staged("newer", "default", access.AllUsers)}},
			Delivered: []string{"b"},
		}, []string{"a"}, []string{"new", "newer"}, 1, 1},
		"new documents that are not wider": {fake.Comparison{
			Before: []baseline.Entry{fake.Document("a", access.DatasourceUsers), fake.Document("b", access.DatasourceUsers)},
			Staged: map[string][]component.Encoded{"documents": {fake.Staged("listed", "owners", access.Listed, "sam"),
				fake.Staged("as wide", "default", access.DatasourceUsers), fake.Staged("new", "default", access.AllUsers)}},
		}, []string{"a", "b"}, []string{"new"}, 1, 1},
		"wider than the narrowest": {fake.Comparison{
			Before: []baseline.Entry{fake.Document("a", access.Listed, "sam"), fake.Document("b", access.DatasourceUsers)},
			Staged: map[string][]component.Encoded{"documents": {fake.Staged("new", "default", access.DatasourceUsers)}},
		}, []string{"a", "b"}, []string{"new"}, 1, 0},
		"the ref was there before": {fake.Comparison{
			Before: []baseline.Entry{fake.Document("a", access.Listed, "sam"), fake.Away(fake.Document("b", access.AllUsers))},
			Staged: map[string][]component.Encoded{"documents": {renumbered(fake.Staged("b", "default", access.AllUsers)),
				fake.Staged("new", "default", access.AllUsers)}},
		}, []string{"a"}, []string{"new"}, 1, 1},
		"the ID was there before": {fake.Comparison{
			Before: []baseline.Entry{fake.Document("a", access.Listed, "sam"),
				fake.Away(fake.Document("id of b", access.AllUsers))},
			Staged: map[string][]component.Encoded{"documents": {renumbered(fake.Staged("b", "default", access.AllUsers)),
				fake.Staged("new", "default", access.AllUsers)}},
		}, []string{"a"}, []string{"new"}, 1, 1},
	} {
		c := tc.Compare(t)
		if tc.pairs == 0 {
			if len(c.Swapped()) > 0 {
				t.Errorf("%s: %+v", name, c.Swapped()[0])
			}
			continue
		}
		if len(c.Swapped()) != 1 {
			t.Errorf("%s: %d streams with swaps", name, len(c.Swapped()))
			continue
		}
		s := c.Swapped()[0]
		if !slices.Equal(fake.Refs(s.Gone), tc.gone) || !slices.Equal(fake.Refs(s.Added), tc.added) || s.Pairs != tc.pairs ||
			s.ToAll != tc.toAll {
			t.Errorf("%s: %d pairs, %d towards everybody, %v go and %v are new", name, s.Pairs, s.ToAll, fake.Refs(s.Gone),
				fake.Refs(s.Added))
		}
	}
}

// TestSwapTable: a refusal names the documents with the audience that each of them has or had.
func TestSwapTable(t *testing.T) {
	c := fake.Comparison{
		Before: []baseline.Entry{fake.Document("a", access.Listed, "sam")},
		Staged: map[string][]component.Encoded{"documents": {fake.Staged("new", "default", access.AllUsers)}},
	}.Compare(t)
	if got := c.Swapped()[0].Table(); !slices.Equal(got[1:], []string{"  deleted: a (listed)",
		"  new: new (all-users)"}) {
		t.Errorf("%q", got)
	}
}
