package codec

import (
	"math"
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
