package access

import "testing"

// TestIntersections: a set of groups counts as one principal. A set with a group less gives
// access to more people; a set with a group more, or with a group that was named alone, does
// not.
func TestIntersections(t *testing.T) {
	type names struct {
		groups []string
		allOf  [][]string
	}
	of := func(w names) Grant {
		sets := HashSets(w.allOf)
		unpacked, ok := UnpackSets(PackSets(sets))
		if !ok {
			t.Fatalf("%v cannot be read back", w)
		}
		return Grant{Names: UnpackNames(PackNames(w.groups, sets)), Sets: unpacked}
	}
	g := func(s ...string) []string { return s }
	a, b, ab, abc := names{groups: g("a")}, names{groups: g("b")}, names{allOf: [][]string{g("a",
		"b")}}, names{allOf: [][]string{g("c", "b", "a")}}
	long := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	for name, c := range map[string]struct {
		before, now names
		wider       bool
	}{
		"the same":                     {ab, names{allOf: [][]string{g("b", "a", "b")}}, false},
		"without one group":            {abc, ab, true},
		"one group left":               {ab, a, true},
		"with one more group":          {ab, abc, false},
		"with a group that had access": {a, ab, false},
		"in a group without access":    {names{groups: g("c")}, ab, true},
		"another set":                  {ab, names{allOf: [][]string{g("a", "c")}}, true},
		"one of two sets removed":      {names{allOf: [][]string{g("a", "b"), g("c", "d")}}, ab, false},
		"one set added":                {ab, names{allOf: [][]string{g("a", "b"), g("c", "d")}}, true},
		"in addition to a group":       {b, names{groups: g("b"), allOf: [][]string{g("a", "c")}}, true},
		"no one before":                {names{}, ab, true},
		"very many, the same":          {names{allOf: [][]string{long}}, names{allOf: [][]string{long}}, false},
		"very many, one had access":    {names{groups: g("l")}, names{allOf: [][]string{long}}, false},
		"very many, without one group": {names{allOf: [][]string{long}}, names{allOf: [][]string{long[1:]}}, true},
	} {
		if n := of(c.now).NewTo(of(c.before).Names); n > 0 != c.wider {
			t.Errorf("%s: %d new", name, n)
		}
	}
	if _, ok := UnpackSets([]byte{0, 0, 0, 0, 0, 0, 0, 9}); ok {
		t.Error("a damaged list of sets was read")
	}
}

// TestMissing counts the elements of one sorted list that another lacks.
func TestMissing(t *testing.T) {
	for _, tc := range []struct {
		a, b []uint64
		want int
	}{
		{nil, nil, 0},
		{nil, []uint64{1}, 0},
		{[]uint64{1, 2}, nil, 2},
		{[]uint64{1, 2, 3}, []uint64{1, 2, 3}, 0},
		{[]uint64{1, 2, 3}, []uint64{2}, 2},
		{[]uint64{2}, []uint64{1, 2, 3}, 0},
		{[]uint64{3, 5}, []uint64{1, 2, 4}, 2},
		{[]uint64{1, 4}, []uint64{2, 3, 4}, 1},
	} {
		if got := Missing(tc.a, tc.b); got != tc.want {
			t.Errorf("missing of %v in %v: %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
