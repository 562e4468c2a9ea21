package access

import "testing"

// TestIntersections: a set of groups is a principal of its own. One with a group
// less lets more people in, one with a group more, or within a group that was
// named, does not.
func TestIntersections(t *testing.T) {
	type whom struct {
		groups []string
		allOf  [][]string
	}
	of := func(w whom) Grant {
		sets := HashSets(w.allOf)
		unpacked, ok := UnpackSets(PackSets(sets))
		if !ok {
			t.Fatalf("%v cannot be read back", w)
		}
		return Grant{Names: UnpackNames(PackNames(w.groups, sets)), Sets: unpacked}
	}
	g := func(s ...string) []string { return s }
	a, b, ab, abc := whom{groups: g("a")}, whom{groups: g("b")}, whom{allOf: [][]string{g("a",
		"b")}}, whom{allOf: [][]string{g("c", "b", "a")}}
	long := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	for name, c := range map[string]struct {
		before, now whom
		wider       bool
	}{
		"the same":                  {ab, whom{allOf: [][]string{g("b", "a", "b")}}, false},
		"a group less":              {abc, ab, true},
		"one group left":            {ab, a, true},
		"a group more":              {ab, abc, false},
		"within a group":            {a, ab, false},
		"within neither":            {whom{groups: g("c")}, ab, true},
		"another set":               {ab, whom{allOf: [][]string{g("a", "c")}}, true},
		"one of two goes":           {whom{allOf: [][]string{g("a", "b"), g("c", "d")}}, ab, false},
		"one more":                  {ab, whom{allOf: [][]string{g("a", "b"), g("c", "d")}}, true},
		"beside a group":            {b, whom{groups: g("b"), allOf: [][]string{g("a", "c")}}, true},
		"nobody before":             {whom{}, ab, true},
		"very many, the same":       {whom{allOf: [][]string{long}}, whom{allOf: [][]string{long}}, false},
		"very many, within a group": {whom{groups: g("l")}, whom{allOf: [][]string{long}}, false},
		"very many, a group less":   {whom{allOf: [][]string{long}}, whom{allOf: [][]string{long[1:]}}, true},
	} {
		if n := of(c.now).NewTo(of(c.before).Names); n > 0 != c.wider {
			t.Errorf("%s: %d new", name, n)
		}
	}
	if _, ok := UnpackSets([]byte{0, 0, 0, 0, 0, 0, 0, 9}); ok {
		t.Error("a damaged list of sets was read")
	}
}

// TestMissing counts what one ascending list has and another lacks.
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
