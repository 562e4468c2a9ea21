package stage

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

// TestDamagedStage: a frame that Put did not write is an error for review and publishing; it
// never ends a stream early.
func TestDamagedStage(t *testing.T) {
	eight := make([]byte, 8)
	hashes := make([]byte, 16)
	good := [][]byte{[]byte("id"), []byte("ref"), []byte("type"), {byte(access.AllUsers), 0}, []byte("rule"), hashes,
		eight,
		nil}
	with := func(i int, part []byte) [][]byte {
		frame := slices.Clone(good)
		frame[i] = part
		return frame
	}
	body := [][]byte{[]byte("{}")}
	for name, tc := range map[string]struct {
		tag, body        [][]byte
		noTags, noBodies bool
	}{
		"good":                  {tag: good, body: body},
		"too few parts":         {tag: good[:7], body: body, noTags: true, noBodies: true},
		"too many parts":        {tag: append(slices.Clone(good), nil), body: body, noTags: true, noBodies: true},
		"no audience":           {tag: with(3, nil), body: body, noTags: true, noBodies: true},
		"half a content hash":   {tag: with(5, hashes[:12]), body: body, noTags: true, noBodies: true},
		"half a name":           {tag: with(6, append(slices.Clone(eight), 1)), body: body, noTags: true, noBodies: true},
		"half a set":            {tag: with(7, append(slices.Clone(eight), 1)), body: body, noTags: true, noBodies: true},
		"a set without members": {tag: with(7, []byte{0, 0, 0, 0, 0, 0, 0, 9}), body: body, noTags: true, noBodies: true},
		"no body":               {tag: good, noBodies: true},
		"an empty body frame":   {tag: good, body: [][]byte{}, noBodies: true},
		"two bodies in a frame": {tag: good, body: append(body, body...), noBodies: true},
	} {
		s := New()
		sh, err := s.stream("documents")
		if err != nil {
			t.Fatal(err)
		}
		if err := sh.tags.Append(tc.tag...); err != nil {
			t.Fatal(err)
		}
		if tc.body != nil {
			if err := sh.bodies.Append(tc.body...); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for got, err := range s.Tags("documents") {
			if n++; errors.Is(err, errItem) != tc.noTags || err == nil && got.Ref != "ref" {
				t.Errorf("%s: review got %+v, %v", name, got, err)
			}
		}
		for e, err := range s.Plan("documents").Items {
			if n++; errors.Is(err, errItem) != tc.noBodies || err == nil && (e.Ref != "ref" || string(e.Body) != "{}") {
				t.Errorf("%s: publishing got %+v, %v", name, e, err)
			}
		}
		if n != 2 {
			t.Errorf("%s: %d items or errors", name, n)
		}
		s.Close()
	}
}

// TestStageCounts: an item that was taken back is removed from the counts once, whether it was
// refused or hidden first.
func TestStageCounts(t *testing.T) {
	s := New()
	defer s.Close()
	var items []component.Encoded
	for i := range 4 {
		e := component.Encoded{ID: fmt.Sprint(i), Ref: fmt.Sprint(i), Type: "api", Audience: access.AllUsers, Rule: "open",
			Body: []byte("{}")}
		items = append(items, e)
		if _, err := s.Put("documents", e, 1, func(string) bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
	group := component.Encoded{ID: "g", Ref: "g", Type: "team", Body: []byte("{}")}
	if _, err := s.Put("groups", group, 1, func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	s.Refuse("documents", items[0])
	s.Refuse("groups", group)
	for i, want := range []bool{false, true, true, false} {
		if got := s.WithholdLate("documents", items[min(i, 2)]); got != want {
			t.Errorf("item %d was dropped: %v", i, got)
		}
	}
	sh := s.streams["documents"]
	if sh.types["api"] != 1 || sh.audience[access.AllUsers] != 1 || sh.rules["open"] != 1 {
		t.Errorf("%v %v %v", sh.types, sh.audience, sh.rules)
	}
	sh = s.streams["groups"]
	if sh.types["team"] != 0 || len(sh.audience) != 0 || len(sh.rules) != 0 {
		t.Errorf("groups: %v %v %v", sh.types, sh.audience, sh.rules)
	}
}

// TestReadingTheStageMayEnd: a reader of the stage may stop after any item.
func TestReadingTheStageMayEnd(t *testing.T) {
	s := New()
	defer s.Close()
	for _, id := range []string{"a", "b"} {
		if _, err := s.Put("documents", component.Encoded{ID: id, Ref: id, Body: []byte("{}")}, 1,
			func(string) bool { return true }); err != nil {
			t.Fatal(err)
		}
		if err := s.Withhold("documents", "w"+id, "i"+id, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	plan := s.Plan("documents")
	for most := 1; most <= 3; most++ {
		var got []string
		for e, err := range plan.Items {
			if got = append(got, fmt.Sprint(e.ID, err)); len(got) == most {
				break
			}
		}
		n := len(got)
		for tag, err := range s.Tags("documents") {
			if got = append(got, fmt.Sprint(tag.ID, err)); len(got)-n == most {
				break
			}
		}
		n = len(got)
		for e, err := range plan.Withheld {
			if got = append(got, fmt.Sprint(e.Ref, err)); len(got)-n == most {
				break
			}
		}
		n = len(got)
		for u, err := range s.Withheld("documents") {
			if got = append(got, fmt.Sprint(u.ID, err)); len(got)-n == most {
				break
			}
		}
		var want []string
		for _, name := range []string{"", "", "w", "i"} {
			for _, id := range []string{"a", "b"}[:min(most, 2)] {
				want = append(want, name+id+"<nil>")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("at most %d: %v, want %v", most, got, want)
		}
	}
	for _, nothing := range []string{"users", "groups"} {
		for range s.Tags(nothing) {
			t.Error("an item of a stream that is not staged")
		}
	}
}

// TestGrouped: an item names groups directly or in a set.
func TestGrouped(t *testing.T) {
	s := New()
	defer s.Close()
	user, group := component.UserPrincipal("ann"), component.GroupPrincipal("team")
	for i, e := range []component.Encoded{
		{}, {Principals: []string{user}}, {Principals: []string{user, group}}, {AllOf: [][]string{{group, group}}},
	} {
		e.ID = fmt.Sprint(i)
		if _, err := s.Put("documents", e, 1, func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := s.Summary("documents"); got.Grouped != 2 {
		t.Errorf("%d of 4 name groups", got.Grouped)
	}
}
