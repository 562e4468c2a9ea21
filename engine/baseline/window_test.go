package baseline

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/stage"
)

// day returns a time some days after the last good run of these tests, which ended on day 0.
func day(n float64) time.Time {
	return time.Date(2026, 6, 1, 3, 0, 0, 0, time.UTC).Add(time.Duration(n * 24 * float64(time.Hour)))
}

func to(names ...string) access.Grant {
	return access.Grant{Audience: access.Listed, Names: hashes(names...)}
}

// hashes returns the sorted hashes of names.
func hashes(names ...string) []uint64 {
	var out []uint64
	for _, name := range names {
		out = append(out, codec.Hash([]byte(name)))
	}
	slices.Sort(out)
	return out
}

// listed returns an entry of a document for the named people.
func listed(ref string, names ...string) Entry {
	e := document(ref, access.Listed)
	e.Names = hashes(names...)
	return e
}

// windowOf compares a run on a day with entries.
func windowOf(t *testing.T, now time.Time, hidden Hiding, entries ...Entry) *Comparison {
	t.Helper()
	store := open(t, t.TempDir())
	save(t, store, entries...)
	base, err := store.Load()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.Close() })
	snap := base.Snapshot
	snap.Finished = day(0)
	var streams, types words
	p, err := readPrevious(snap, now, &streams, &types, func(string) bool { return true },
		func(string) bool { return false }, hidden)
	if err != nil {
		t.Fatal(err)
	}
	c := NewComparison()
	c.previous = p
	return c
}

func tagOf(ref string, g access.Grant) stage.Tag {
	return stage.Tag{ID: ref, Ref: ref, Content: 1, Grant: g}
}

// TestNextFloor: the floor of a document after a good run depends on its floor and audience
// before (invariant 5).
func TestNextFloor(t *testing.T) {
	entry := func(told access.Grant, floor Floor) Entry {
		e := document("a", told.Audience)
		e.Names, e.Floor, e.Content, e.Told = told.Names, floor, 1, day(-5)
		return e
	}
	beyond := func(g access.Grant, further float64) Floor {
		return Floor{Grant: g, At: day(-4), Further: day(further)}
	}
	everyone := access.Grant{Audience: access.AllUsers}
	gone := entry(to("sam", "ann"), Floor{Grant: to("sam"), At: day(-4)})
	gone.Away, gone.Delivered = day(-1), day(-2)
	for name, tc := range map[string]struct {
		before  Entry
		now     access.Grant
		covered bool
		want    Floor // without a class: the audience of the run
	}{
		"the same": {entry(to("sam"), Floor{}), to("sam"), false, Floor{}},
		"narrower": {entry(to("sam", "ann"), Floor{}), to("sam"), false, Floor{}},
		"wider": {entry(to("sam"), Floor{}), to("sam", "ann"), false,
			Floor{to("sam"), day(0), day(1)}},
		"wider and covered": {entry(to("sam"), Floor{}), to("sam", "ann"), true, Floor{}},
		"one removed, one added": {entry(to("sam", "ann"), Floor{}), to("ann", "bob"), false,
			Floor{to("ann"), day(0), day(1)}},
		"still as wide": {entry(to("sam", "ann"), beyond(to("sam"), -3)), to("sam", "ann"), false,
			Floor{to("sam"), day(-4), day(-3)}},
		"wider, but narrower again": {entry(to("sam", "ann", "bob"), beyond(to("sam"), -3)), to("sam", "ann"), false,
			Floor{to("sam"), day(-4), day(-3)}},
		"even wider": {entry(to("sam", "ann"), beyond(to("sam"), -3)), everyone, false,
			Floor{to("sam"), day(-4), day(1)}},
		"as wide for seven days": {entry(to("sam", "ann"), beyond(to("sam"), -6)), to("sam", "ann"), false, Floor{}},
		"for seven days, then wider": {entry(to("sam", "ann"), beyond(to("sam"), -6)), everyone, false,
			Floor{to("sam", "ann"), day(0), day(1)}},
		"back within the floor": {entry(to("sam", "ann"), beyond(to("sam"), -3)), to("sam"), false, Floor{}},
		"below the floor": {entry(to("sam", "ann"), beyond(to("sam", "bob"), -3)), to("ann"), false,
			Floor{to(), day(-4), day(-3)}},
		"deleted, and back unchanged":        {gone, to("sam", "ann"), false, Floor{to("sam"), day(-4), day(1)}},
		"deleted, and back within the floor": {gone, to("sam"), false, Floor{}},
		"without permissions, changed":       {entry(access.Grant{}, Floor{}), access.Grant{}, false, Floor{}},
	} {
		c := windowOf(t, day(1), Hiding{}, tc.before)
		floor, _ := c.Accepted("documents", tagOf("a", tc.now), tc.covered, day(1))
		if floor.Audience != tc.want.Audience || !slices.Equal(floor.Names, tc.want.Names) || !floor.At.Equal(tc.want.At) ||
			!floor.Further.Equal(tc.want.Further) {
			t.Errorf("%s: %+v, want %+v", name, floor, tc.want)
		}
	}
}

// TestTold: something new is sent when the content or the audience changes, or the item
// returns.
func TestTold(t *testing.T) {
	e := listed("a", "sam")
	e.Content, e.Told = 1, day(-5)
	before := e
	gone := e
	gone.Away = day(-1)
	unknown := e
	unknown.Told = time.Time{}
	content := tagOf("a", to("sam"))
	content.Content = 2
	for name, tc := range map[string]struct {
		before Entry
		now    stage.Tag
		want   time.Time
	}{
		"the same":                     {before, tagOf("a", to("sam")), day(-5)},
		"another content":              {before, content, day(1)},
		"another audience":             {before, tagOf("a", to("ann")), day(1)},
		"another class":                {before, tagOf("a", access.Grant{Audience: access.AllUsers}), day(1)},
		"back":                         {gone, tagOf("a", to("sam")), day(1)},
		"of an earlier version":        {unknown, tagOf("a", to("sam")), day(1)},
		"new":                          {before, tagOf("b", to("sam")), day(1)},
		"another ref with its own row": {before, stage.Tag{ID: "a", Ref: "b", Content: 1, Grant: to("sam")}, day(-5)},
	} {
		if _, told := windowOf(t, day(1), Hiding{}, tc.before).Accepted("documents", tc.now, false,
			day(1)); !told.Equal(tc.want) {
			t.Errorf("%s: %s, want %s", name, told, tc.want)
		}
	}
	for name, c := range map[string]*Comparison{"no baseline": nil, "nothing compared": NewComparison()} {
		if floor, told := c.Accepted("documents", tagOf("a", to("sam")), false, day(1)); floor.Audience != access.Undecided ||
			!told.Equal(day(1)) {
			t.Errorf("%s: %+v, %s", name, floor, told)
		}
	}
}

// TestBothFloors: a document that takes the ID of another exceeds neither floor.
func TestBothFloors(t *testing.T) {
	a, b := listed("a", "sam", "ann"), listed("b", "ann", "bob")
	b.ID = codec.Hash([]byte("other"))
	c := windowOf(t, day(1), Hiding{}, a, b)
	floor, _ := c.Accepted("documents", stage.Tag{ID: "a", Ref: "b", Grant: to("sam", "ann", "bob")}, false, day(1))
	if !floor.Same(to("ann")) {
		t.Errorf("%+v", floor)
	}
}

// TestKeptFloor: a hidden item keeps its floor.
func TestKeptFloor(t *testing.T) {
	now := day(1)
	plain := listed("a", "sam")
	beyond := listed("b", "sam", "ann")
	beyond.Floor = Floor{Grant: to("sam"), At: day(-4), Further: day(-3)}
	other := document("c", access.AllUsers)
	other.ID = codec.Hash([]byte("id of c"))
	c := windowOf(t, now, HidingOf([]Hidden{{Ref: "b"}}, nil), plain, beyond, other)
	for _, tc := range []struct {
		ref, id string
		want    access.Grant
		at      time.Time
	}{
		{"a", "a", to("sam"), day(0)},
		{"b", "b", to("sam"), day(-4)},
		{"d", "id of c", access.Grant{Audience: access.AllUsers}, day(0)},
		{"d", "d", access.Grant{}, time.Time{}},
	} {
		if f := c.KeptFloor("documents", tc.ref, tc.id, now); !f.Same(tc.want) || !f.At.Equal(tc.at) || !f.Further.IsZero() {
			t.Errorf("%s: %+v", tc.ref, f)
		}
	}
	if f := c.KeptFloor("unknown", "a", "a", now); f.Audience != access.Undecided {
		t.Errorf("another stream: %+v", f)
	}
	if f := NewComparison().KeptFloor("documents", "a", "a", now); f.Audience != access.Undecided {
		t.Errorf("nothing compared: %+v", f)
	}
}

// TestLeft: a member who left is recorded for seven days, unless the member returns.
func TestLeft(t *testing.T) {
	hash := func(name string) uint64 { return codec.Hash([]byte(name)) }
	group := Entry{Stream: "members", Ref: "group", ID: hash("group"), Names: hashes("sam", "ann"), Left: []Left{
		{Name: hash("old"), At: day(-6)}, {Name: hash("young"), At: day(-5)}, {Name: hash("back"), At: day(-1)},
		{Name: hash("covered"), At: day(-1), Covered: true},
	}}
	c := windowOf(t, day(1), Hiding{}, group)
	for covered, want := range map[bool][]Left{
		false: {{hash("young"), day(-5), false}, {hash("covered"), day(-1), true}, {hash("ann"), day(0), false}},
		true:  {{hash("young"), day(-5), true}, {hash("covered"), day(-1), true}, {hash("ann"), day(0), true}},
	} {
		got := c.Left("members", "group", hashes("sam", "back"), covered, day(1))
		byName := func(a, b Left) int { return int(a.Name>>1) - int(b.Name>>1) }
		slices.SortFunc(got, byName)
		slices.SortFunc(want, byName)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("covered %t: %+v, want %+v", covered, got, want)
		}
	}
	row := c.previous.byID(0, "group")
	if lost := row.members(day(1)); access.Missing(lost, hashes("sam", "ann", "young", "back")) > 0 || len(lost) != 4 {
		t.Errorf("members of the window: %d", len(lost))
	}
	group.Away = day(-1)
	if left := windowOf(t, day(1), Hiding{}, group).Left("members", "group", nil, false, day(1)); len(left) != 3 {
		t.Errorf("of a group that was away: %+v", left)
	}
	if left := c.Left("members", "new", nil, false, day(1)); left != nil {
		t.Errorf("of a new group: %+v", left)
	}
	if left := NewComparison().Left("members", "group", nil, false, day(1)); left != nil {
		t.Errorf("nothing compared: %+v", left)
	}
}

// TestLostInTheWindow: an item that was deleted earlier is lost for seven days after it was
// last delivered, unless an approval covered the deletion.
func TestLostInTheWindow(t *testing.T) {
	gone := func(delivered float64) Entry {
		e := document("a", access.AllUsers)
		e.Away, e.Delivered = day(0), day(delivered)
		return e
	}
	covered, withheld, converted := gone(-1), gone(-1), gone(-1)
	covered.Covered = true
	withheld.Audience = access.Nobody.String()
	converted.Delivered = time.Time{}
	for name, tc := range map[string]struct {
		entry Entry
		lost  bool
	}{
		"six days ago":          {gone(-5), true},
		"seven days ago":        {gone(-6), false},
		"covered":               {covered, false},
		"withheld":              {withheld, false},
		"of an earlier version": {converted, false},
		"still there":           {document("a", access.AllUsers), false},
	} {
		if row := windowOf(t, day(1), Hiding{}, tc.entry).previous.byRef(0, "a"); row.lost != tc.lost {
			t.Errorf("%s: lost %t", name, row.lost)
		}
	}
}
