package codec

import (
	"math"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for name, tc := range map[string]struct {
		in string
		ok bool
	}{
		"object":          {`{"a":1}`, true},
		"duplicate names": {`{"a":1,"a":2}`, true},
		"lone surrogate":  {`{"a":"\ud800"}`, true},
		"null":            {`null`, false},
		"array":           {`[]`, false},
		"cut":             {`{"a":`, false},
		"two values":      {`{} {}`, false},
		"html":            {`<html>`, false},
	} {
		v, err := Decode([]byte(tc.in))
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	v, _ := Decode([]byte(`{"a":1,"a":2}`))
	if v["a"] != 2.0 {
		t.Errorf("duplicate names: got %v, want the last", v["a"])
	}
}

func TestMarshal(t *testing.T) {
	got, err := Marshal(map[string]any{"b": []string(nil), "a": "<&>"})
	if err != nil || string(got) != `{"a":"<&>","b":[]}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := Marshal(math.Inf(1)); err == nil {
		t.Error("infinity was encoded")
	}
}

func TestWalk(t *testing.T) {
	var names []string
	err := Members([]byte(`{"kind":"A","m":{"x":[1,{"y":2}]},"z":null}`), func(n string, v []byte) error {
		names = append(names, n+"="+string(v))
		return nil
	})
	if err != nil || len(names) != 3 || names[1] != `m={"x":[1,{"y":2}]}` {
		t.Errorf("%q %v", names, err)
	}
	n := 0
	if err := Elements([]byte(`[1,[2],{"a":3}]`), func([]byte) error { n++; return nil }); err != nil || n != 3 {
		t.Errorf("%d %v", n, err)
	}
	page := []byte(`{"total":2,"items":[{"a":"é"},null],"next":{"items":[1]}}`)
	var elements, others []string
	listed, err := List(page, "items", func(v []byte) {
		elements = append(elements, string(v))
	}, func(n string, v []byte) error {
		others = append(others, n+"="+string(v))
		return nil
	})
	if err != nil || !listed || len(elements) != 2 || elements[0] != `{"a":"é"}` || len(others) != 2 || others[1] != `next={"items":[1]}` {
		t.Errorf("%v %v %q %q", listed, err, elements, others)
	}
	for _, bad := range []string{``, `{"items":[1`, `{"items":[1}`, `{"items":[1]`, `[]`} {
		if _, err := List([]byte(bad), "items", func([]byte) {}, func(string, []byte) error { return nil }); err == nil {
			t.Errorf("List accepted %q", bad)
		}
	}
	if listed, err := List([]byte(`{"items":null}`), "items", func([]byte) {}, func(string, []byte) error { return nil }); listed ||
		err != nil {
		t.Errorf("a list that is null: %v %v", listed, err)
	}
	for _, bad := range []string{``, `{"a":1`, `[1,2`, `"x"`, `{"a" 1}`} {
		if Members([]byte(bad), func(string, []byte) error { return nil }) == nil {
			t.Errorf("Members accepted %q", bad)
		}
		if Elements([]byte(bad), func([]byte) error { return nil }) == nil {
			t.Errorf("Elements accepted %q", bad)
		}
	}
	if s, ok := Text([]byte(`"a\u00e9\ud800"`)); !ok || s != "aé\uFFFD" {
		t.Errorf("%q %v", s, ok)
	}
}

func TestHashBoth(t *testing.T) {
	text := []byte(strings.Repeat("0123456789abcdef", 20))
	for n := range len(text) + 1 {
		first, whole := HashBoth(text, n)
		if first != Hash(text[:n]) || whole != Hash(text) {
			t.Fatalf("at %d: %x %x", n, first, whole)
		}
	}
	// with the race detector a pool drops some values; without the pool there are four
	// allocations
	if n := testing.AllocsPerRun(100, func() { HashBoth(text, 100) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
