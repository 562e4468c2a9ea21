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
