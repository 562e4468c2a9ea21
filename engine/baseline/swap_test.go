package baseline

import (
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

func TestPair(t *testing.T) {
	for name, tc := range map[string]struct {
		gone, added  map[access.Audience]int
		pairs, toAll int
	}{
		"nothing":                    {nil, nil, 0, 0},
		"only gone":                  {map[access.Audience]int{access.Listed: 5}, nil, 0, 0},
		"only new":                   {nil, map[access.Audience]int{access.AllUsers: 5}, 0, 0},
		"as wide":                    {map[access.Audience]int{access.Listed: 5}, map[access.Audience]int{access.Listed: 5}, 0, 0},
		"narrower":                   {map[access.Audience]int{access.AllUsers: 5}, map[access.Audience]int{access.Listed: 5}, 0, 0},
		"wider":                      {map[access.Audience]int{access.Listed: 5}, map[access.Audience]int{access.DatasourceUsers: 5}, 5, 0},
		"fewer new":                  {map[access.Audience]int{access.Listed: 5}, map[access.Audience]int{access.AllUsers: 3}, 3, 3},
		"fewer gone":                 {map[access.Audience]int{access.Listed: 3}, map[access.Audience]int{access.AllUsers: 5}, 3, 3},
		"one step each":              {map[access.Audience]int{access.Listed: 3, access.DatasourceUsers: 3}, map[access.Audience]int{access.DatasourceUsers: 3, access.AllUsers: 3}, 6, 3},
		"the narrow one is taken":    {map[access.Audience]int{access.Listed: 1, access.DatasourceUsers: 1}, map[access.Audience]int{access.DatasourceUsers: 1, access.AllUsers: 1}, 2, 1},
		"two for one":                {map[access.Audience]int{access.Listed: 1}, map[access.Audience]int{access.DatasourceUsers: 1, access.AllUsers: 1}, 1, 1},
		"the wide ones have nothing": {map[access.Audience]int{access.DatasourceUsers: 4}, map[access.Audience]int{access.DatasourceUsers: 9, access.AllUsers: 1}, 1, 1},
	} {
		if pairs, toAll := pair(tc.gone, tc.added); pairs != tc.pairs || toAll != tc.toAll {
			t.Errorf("%s: %d pairs, %d towards everybody", name, pairs, toAll)
		}
	}
}

// TestSwapped: a swap lists the restricted documents that go and the wider documents
// that are new, and only those.
func TestSwapped(t *testing.T) {
	renumbered := func(e component.Encoded) component.Encoded { e.ID = "id of " + e.Ref; return e }
	for name, tc := range map[string]struct {
		comparisonCase
		gone, added  []string
		pairs, toAll int
	}{
		"one for one": {comparisonCase{
			before: []Entry{document("a", access.Listed, "sam")},
			staged: map[string][]component.Encoded{"documents": {staged("new", "default", access.AllUsers)}},
		}, []string{"a"}, []string{"new"}, 1, 1},
		"documents for everybody that go": {comparisonCase{
			before: []Entry{document("a", access.Listed, "sam"), document("open", access.AllUsers)},
			staged: map[string][]component.Encoded{"documents": {staged("new", "default", access.AllUsers), staged("newer", "default", access.AllUsers)}},
		}, []string{"a"}, []string{"new", "newer"}, 1, 1},
		"only documents for everybody go": {comparisonCase{
			before: []Entry{document("open", access.AllUsers)},
			staged: map[string][]component.Encoded{"documents": {staged("new", "default", access.AllUsers)}},
		}, nil, nil, 0, 0},
		"a document with another ID": {comparisonCase{
			before:    []Entry{document("a", access.Listed, "sam"), document("b", access.Listed, "sam")},
			staged:    map[string][]component.Encoded{"documents": {renumbered(staged("b", "default", access.Listed, "sam")), staged("new", "default", access.AllUsers), staged("newer", "default", access.AllUsers)}},
			delivered: []string{"b"},
		}, []string{"a"}, []string{"new", "newer"}, 1, 1},
		"new documents that are not wider": {comparisonCase{
			before: []Entry{document("a", access.DatasourceUsers), document("b", access.DatasourceUsers)},
			staged: map[string][]component.Encoded{"documents": {staged("listed", "owners", access.Listed, "sam"), staged("as wide", "default", access.DatasourceUsers), staged("new", "default", access.AllUsers)}},
		}, []string{"a", "b"}, []string{"new"}, 1, 1},
		"wider than the narrowest": {comparisonCase{
			before: []Entry{document("a", access.Listed, "sam"), document("b", access.DatasourceUsers)},
			staged: map[string][]component.Encoded{"documents": {staged("new", "default", access.DatasourceUsers)}},
		}, []string{"a", "b"}, []string{"new"}, 1, 0},
		"the ref was there before": {comparisonCase{
			before: []Entry{document("a", access.Listed, "sam"), away(document("b", access.AllUsers))},
			staged: map[string][]component.Encoded{"documents": {renumbered(staged("b", "default", access.AllUsers)), staged("new", "default", access.AllUsers)}},
		}, []string{"a"}, []string{"new"}, 1, 1},
		"the ID was there before": {comparisonCase{
			before: []Entry{document("a", access.Listed, "sam"), away(document("id of b", access.AllUsers))},
			staged: map[string][]component.Encoded{"documents": {renumbered(staged("b", "default", access.AllUsers)), staged("new", "default", access.AllUsers)}},
		}, []string{"a"}, []string{"new"}, 1, 1},
	} {
		c := tc.compare(t)
		if tc.pairs == 0 {
			if len(c.swapped) > 0 {
				t.Errorf("%s: %+v", name, c.swapped[0])
			}
			continue
		}
		if len(c.swapped) != 1 {
			t.Errorf("%s: %d streams with swaps", name, len(c.swapped))
			continue
		}
		s := c.swapped[0]
		if !slices.Equal(refsOf(s.Gone), tc.gone) || !slices.Equal(refsOf(s.Added), tc.added) || s.Pairs != tc.pairs || s.ToAll != tc.toAll {
			t.Errorf("%s: %d pairs, %d towards everybody, %v go and %v are new", name, s.Pairs, s.ToAll, refsOf(s.Gone), refsOf(s.Added))
		}
	}
}

// TestSwapTable: a refusal names the documents with the audience that each of them has
// or had.
func TestSwapTable(t *testing.T) {
	c := comparisonCase{
		before: []Entry{document("a", access.Listed, "sam")},
		staged: map[string][]component.Encoded{"documents": {staged("new", "default", access.AllUsers)}},
	}.compare(t)
	if got := c.swapped[0].Table(); !slices.Equal(got[1:], []string{"  go:  a (listed)", "  new: new (all-users)"}) {
		t.Errorf("%q", got)
	}
}
