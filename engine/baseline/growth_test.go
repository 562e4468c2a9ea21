package baseline_test

import (
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// groupEntry returns a group of the last good run whose members are people.
func groupEntry(id string, people ...string) baseline.Entry {
	e := baseline.Entry{Stream: "members", Ref: id, ID: codec.Hash([]byte(id))}
	for _, p := range people {
		e.Names = append(e.Names, codec.Hash([]byte(component.UserPrincipal(p))))
	}
	return e
}

func groupItem(id string, people ...string) component.Encoded {
	e := component.Encoded{ID: id, Ref: id}
	for _, p := range people {
		e.Principals = append(e.Principals, component.UserPrincipal(p))
	}
	return e
}

// TestGrowths: groups with people who were not in them after the last good run, and the number
// of documents that name each group, alone or in a set.
func TestGrowths(t *testing.T) {
	document := func(ref string, groups ...string) component.Encoded {
		e := component.Encoded{ID: ref, Ref: ref, Audience: access.Listed}
		for _, g := range groups {
			e.Principals = append(e.Principals, component.GroupPrincipal(g))
		}
		return e
	}
	set := component.Encoded{ID: "set", Ref: "set", Audience: access.Listed,
		AllOf: [][]string{{component.GroupPrincipal("a"), component.GroupPrincipal("b")}}}
	unknown := groupEntry("of an earlier version")
	unknown.ID = 7
	away := groupEntry("a", "ann")
	away.Away, away.Delivered = time.Now().Add(-9*24*time.Hour), time.Now().Add(-10*24*time.Hour)
	staged := map[string][]component.Encoded{
		"members":   {groupItem("a", "ann", "sam"), groupItem("b", "ann"), groupItem("new", "ann", "sam")},
		"documents": {document("one", "a"), document("both", "a", "b"), set, document("none", "new")},
	}
	for name, tc := range map[string]struct {
		before []baseline.Entry
		groups int
	}{
		"one has a newcomer":        {[]baseline.Entry{groupEntry("a", "ann"), groupEntry("b", "ann")}, 1},
		"a group of unknown id":     {[]baseline.Entry{groupEntry("a", "ann"), unknown}, 0},
		"away for long, a new one":  {[]baseline.Entry{away, groupEntry("b", "ann")}, 0},
		"there was no group before": {nil, 0},
	} {
		got := fake.Comparison{Before: tc.before, Staged: staged}.Compare(t).Growths()
		if len(got) != tc.groups {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		if tc.groups == 1 &&
			(got[0].Ref != "a" || got[0].Could != 1 || got[0].Newcomers != 1 || got[0].Documents != 3 || got[0].Change.N != 1) {
			t.Errorf("%s: %+v", name, got[0])
		}
	}
	if (*baseline.Comparison)(nil).Growths() != nil {
		t.Error("without a baseline")
	}
}
