package access

import (
	"math/rand/v2"
	"testing"
)

// listed returns a Listed grant for principals and sets of groups.
func listed(principals []string, sets ...[]string) Grant {
	hashed := HashSets(sets)
	return Grant{Audience: Listed, Names: UnpackNames(PackNames(principals, hashed)), Sets: hashed}
}

func TestMeet(t *testing.T) {
	all, nobody := Grant{Audience: AllUsers}, Grant{Audience: Nobody}
	sam, samAnn, annBob := listed([]string{"sam"}), listed([]string{"sam", "ann"}), listed([]string{"ann", "bob"})
	group, both := listed([]string{"group"}), listed(nil, []string{"group", "other"})
	for name, tc := range map[string]struct{ before, now, want Grant }{
		"the same":                     {samAnn, samAnn, samAnn},
		"everyone, then one":           {all, sam, sam},
		"one, then everyone":           {sam, all, sam},
		"everyone twice":               {all, all, all},
		"no one, then one":             {nobody, sam, nobody},
		"one, then no one":             {sam, nobody, nobody},
		"one is removed":               {samAnn, sam, sam},
		"one is added":                 {sam, samAnn, sam},
		"one removed, one added":       {samAnn, annBob, listed([]string{"ann"})},
		"none in common":               {sam, annBob, listed(nil)},
		"a group, then part of it":     {group, both, both},
		"part of a group, then all":    {both, group, listed(nil)}, // the hashes do not show which part of the group both is
		"the same set":                 {both, both, both},
		"datasource users, then a set": {Grant{Audience: DatasourceUsers}, both, both},
	} {
		if got := Meet(tc.before, tc.now); !got.Same(tc.want) {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

// TestMeetIsNarrower: for all grants, the result of Meet is not wider than either argument.
func TestMeetIsNarrower(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	some := func() (out []string) {
		for _, p := range []string{"a", "b", "c", "d"} {
			if r.IntN(3) == 0 {
				out = append(out, p)
			}
		}
		return out
	}
	grant := func() Grant {
		if class := Audiences[r.IntN(len(Audiences))]; class != Listed {
			return Grant{Audience: class}
		}
		var sets [][]string
		for range r.IntN(3) {
			if set := some(); len(set) > 1 {
				sets = append(sets, set)
			}
		}
		return listed(some(), sets...)
	}
	for range 20_000 {
		before, now := grant(), grant()
		meet := Meet(before, now)
		if meet.WiderThan(before) || meet.WiderThan(now) {
			t.Fatalf("%+v and %+v meet in %+v", before, now, meet)
		}
	}
}
