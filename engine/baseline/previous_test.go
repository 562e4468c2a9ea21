package baseline

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/stage"
)

// previousOf reads entries as the last good run of documents.
func previousOf(t *testing.T, hidden Hiding, entries ...Entry) (p *previous, documents uint8) {
	t.Helper()
	store := open(t, t.TempDir())
	save(t, store, entries...)
	base, err := store.Load()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.Close() })
	var streams, types words
	p, err = readPrevious(base.Snapshot, time.Now(), &streams, &types,
		func(stream string) bool { return stream == "documents" }, func(string) bool { return false }, hidden)
	if err != nil {
		t.Fatal(err)
	}
	return p, streams.number("documents")
}

// document returns an entry whose ID is its ref.
func document(ref string, audience access.Audience) Entry {
	return Entry{Stream: "documents", Ref: ref, Type: "component", Audience: audience.String(),
		ID: codec.Hash([]byte(ref))}
}

// away returns an entry that a run before the last one already lacked.
func away(e Entry) Entry {
	e.Away = time.Unix(1700000000, 0)
	return e
}

// TestWords: each of 255 words has its own number, and all others share one.
func TestWords(t *testing.T) {
	var w words
	for i := range 300 {
		word := fmt.Sprint("word ", i)
		n := w.number(word)
		want, back := uint8(min(i, 255)), word
		if i >= 255 {
			back = "other"
		}
		if n != want || w.number(word) != want || w.word(n) != back {
			t.Errorf("%s: %d, which is %q", word, n, w.word(n))
		}
	}
}

// TestReadPrevious: there is a row for each entry, in order, an empty one for a stream that is
// not compared; only items that the last good run delivered are there.
func TestReadPrevious(t *testing.T) {
	hidden := HidingOf([]Hidden{{Ref: "hidden", At: time.Now()}, {Ref: "hidden and away", At: time.Now()},
		{Ref: "undecided", At: time.Now()}, {Ref: "let back", At: time.Now(), Back: time.Now()}}, nil)
	undecided := document("undecided", access.AllUsers)
	undecided.Audience = ""
	unreadable := document("unreadable", access.AllUsers)
	unreadable.Audience = "a class of a later version"
	for name, tc := range map[string]struct {
		entry       Entry
		audience    access.Audience
		there, away bool
	}{
		"listed":             {document("listed", access.Listed), access.Listed, true, false},
		"without an access":  {undecided, access.Undecided, true, false},
		"an unknown class":   {unreadable, access.Nobody, false, false},
		"withheld":           {document("withheld", access.Nobody), access.Nobody, false, false},
		"away":               {away(document("away", access.AllUsers)), access.AllUsers, false, true},
		"hidden":             {document("hidden", access.AllUsers), access.Nobody, false, false},
		"hidden and away":    {away(document("hidden and away", access.AllUsers)), access.Nobody, false, true},
		"hidden, then shown": {document("let back", access.AllUsers), access.AllUsers, true, false},
	} {
		p, n := previousOf(t, hidden, Entry{Stream: "members", Ref: "group"}, tc.entry)
		if len(p.rows) != 2 || p.rows[0].there || p.rows[0].id != 0 {
			t.Fatalf("%s: %+v", name, p.rows)
		}
		row := p.byRef(n, tc.entry.Ref)
		if row != &p.rows[1] || row != p.byID(n, tc.entry.Ref) {
			t.Fatalf("%s: it is not found by its ref and ID", name)
		}
		if row.audience != tc.audience || row.there != tc.there || row.away != tc.away {
			t.Errorf("%s: %+v", name, row)
		}
		if p.byRef(n+1, tc.entry.Ref) != nil || p.byID(n+1, tc.entry.Ref) != nil || p.byRef(n, "group") != nil {
			t.Errorf("%s: it is found in another stream", name)
		}
	}
}

// TestPreviousOfOneRef: of several entries with a ref, the one of the last good run is found;
// of several with an ID, the delivered one; otherwise the first.
func TestPreviousOfOneRef(t *testing.T) {
	entry := func(ref, id string, audience access.Audience) Entry {
		e := document(ref, audience)
		e.ID = codec.Hash([]byte(id))
		return e
	}
	for name, tc := range map[string]struct {
		first, second Entry
		byRef, byID   int // the row that is found
	}{
		"the first is away":      {away(entry("a", "1", access.Listed)), entry("a", "1", access.AllUsers), 1, 1},
		"the second is away":     {entry("a", "1", access.AllUsers), away(entry("a", "1", access.Listed)), 0, 0},
		"both are away":          {away(entry("a", "1", access.Listed)), away(entry("a", "1", access.AllUsers)), 0, 0},
		"the first is withheld":  {entry("b", "1", access.Nobody), entry("a", "1", access.AllUsers), 1, 1},
		"the second is withheld": {entry("a", "1", access.AllUsers), entry("b", "1", access.Nobody), 0, 0},
		"both are withheld":      {entry("a", "1", access.Nobody), entry("b", "1", access.Nobody), 0, 0},
	} {
		p, n := previousOf(t, Hiding{}, tc.first, tc.second)
		if p.byRef(n, "a") != &p.rows[tc.byRef] || p.byID(n, "1") != &p.rows[tc.byID] {
			t.Errorf("%s: by ref %+v, by ID %+v", name, p.byRef(n, "a"), p.byID(n, "1"))
		}
	}
}

// TestCountHidden: a sink may still count items that were hidden in the last hours; their type
// is known when they were delivered.
func TestCountHidden(t *testing.T) {
	ago := func(ref string, d time.Duration) Hidden { return Hidden{Ref: ref, At: time.Now().Add(-d)} }
	hidden := HidingOf([]Hidden{ago("a", 0), ago("b", YoungCounts-time.Minute), ago("c", YoungCounts+time.Minute),
		ago("withheld", 0)}, nil)
	p, _ := previousOf(t, hidden, document("a", access.AllUsers), document("b", access.Listed),
		document("c", access.AllUsers), document("withheld", access.Nobody), document("shown", access.AllUsers))
	if h := p.hidden["documents"]; len(p.hidden) != 1 || h.n != 3 || h.types["component"] != 2 {
		t.Errorf("%+v, %+v", p.hidden, h)
	}
	if p, _ := previousOf(t, hidden, document("c", access.AllUsers)); len(p.hidden) != 0 {
		t.Errorf("hidden long ago: %+v", p.hidden["documents"])
	}
}

// TestNarrower: when fewer people could find a document than now.
func TestNarrower(t *testing.T) {
	const ann, sam = 1, 2
	of := func(audience access.Audience, names ...uint64) *previousItem {
		return &previousItem{audience: audience, set: nameSets{}.of(slices.Sorted(slices.Values(names)))}
	}
	for name, tc := range map[string]struct {
		before *previousItem
		now    *previousItem // audience and names only
		want   bool
	}{
		"new":                       {nil, of(access.AllUsers), false},
		"the same for everyone":     {of(access.AllUsers), of(access.AllUsers), false},
		"narrower":                  {of(access.AllUsers), of(access.Listed, sam), false},
		"wider":                     {of(access.Listed, sam), of(access.DatasourceUsers), true},
		"withheld, then listed":     {of(access.Nobody), of(access.Listed), true},
		"the same people":           {of(access.Listed, ann, sam), of(access.Listed, sam, ann), false},
		"one person fewer":          {of(access.Listed, ann, sam), of(access.Listed, sam), false},
		"one person more":           {of(access.Listed, sam), of(access.Listed, ann, sam), true},
		"another person":            {of(access.Listed, sam), of(access.Listed, ann), true},
		"names of an open document": {of(access.AllUsers), of(access.AllUsers, sam), false},
	} {
		if got := tc.before.wider(stage.Tag{Grant: access.Grant{Audience: tc.now.audience, Names: tc.now.names()}},
			time.Now()); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
