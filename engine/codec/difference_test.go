package codec

import (
	"reflect"
	"testing"
)

func TestDifferences(t *testing.T) {
	before := map[string]any{
		"a": "same", "b": map[string]any{"c": "x", "d": 1.0, "gone": true}, "list": []any{"p"},
	}
	after := map[string]any{
		"a": "same", "b": map[string]any{"c": "y", "d": 1.0, "new": nil}, "e": map[string]any{"f": "g"},
		"list": []any{"p", "q"},
	}
	want := []Difference{
		{"b.c", "x", "y"},
		{"b.gone", true, nil},
		{"e", nil, map[string]any{"f": "g"}},
		{"list", []any{"p"}, []any{"p", "q"}},
	}
	if got := Differences(before, after); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Differences(before, before); len(got) != 0 {
		t.Errorf("an object differs from itself: %v", got)
	}
}
