package config

import (
	"reflect"
	"testing"
)

func TestValue(t *testing.T) {
	doc, problems := Parse("x",
		[]byte("a: 1.5\nb: \"1.5\"\nc: true\nd: yes\ne:\nf: 2024-01-02\ng: 1.2.3\nh: [007, -3, ~]\ni: {j: \"${X}\"}\nk: |\n"+
			"  two\n"))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	want := map[string]any{
		"a": 1.5, "b": "1.5", "c": true, "d": "yes", "e": nil, "f": "2024-01-02", "g": "1.2.3",
		"h": []any{"007", -3.0, nil}, "i": map[string]any{"j": "${X}"}, "k": "two\n",
	}
	if got := doc.Root().Value(); !reflect.DeepEqual(got, want) {
		t.Errorf("%#v", got)
	}
}

// TestSame: places, comments and white space make no difference; values, their kinds, their order and
// variables do.
func TestSame(t *testing.T) {
	root := func(text string) *Node {
		d, problems := Parse("f.yaml", []byte(text))
		if problems.HasErrors() {
			t.Fatalf("%s: %v", text, problems)
		}
		return d.Root()
	}
	const text = "a: {b: [1, x, \"${V}\"], c: null}\n"
	for _, same := range []string{text, "# d\na:\n  b:\n    - 1 # e\n\n    - x\n    - \"${V}\"\n  c: null\n"} {
		if !root(text).Same(root(same)) {
			t.Errorf("not the same: %s", same)
		}
	}
	for _, other := range []string{
		"a: {b: [1, x, \"${V}\"]}", "a: {c: null, b: [1, x, \"${V}\"]}", "a: {b: [\"1\", x, \"${V}\"], c: null}",
		"a: {b: [1, y, \"${V}\"], c: null}", "a: {b: [1, x, \"${W}\"], c: null}", "a: {b: [x, 1, \"${V}\"], c: null}",
		"a: {b: [1, x], c: null}", "a: {b: 1, c: null}",
		"a: {b: [1, x, \"${V}\"], c: {}}", "a: {b: [1, x, \"${V}\"], d: null}",
		"a",
	} {
		if root(text).Same(root(other)) || root(other).Same(root(text)) {
			t.Errorf("the same: %s", other)
		}
	}
	var none *Node
	if !none.Same(nil) || none.Same(root(text)) || root(text).Same(nil) {
		t.Error("an absent node")
	}
}
