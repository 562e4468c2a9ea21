package component

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestCutLimit(t *testing.T) {
	long := strings.Repeat("é", 10)
	for name, c := range map[string]struct {
		limit CutLimit
		in    any
		want  any
		cut   bool
	}{
		"never cut":     {CutLimit{}, long, long, false},
		"short":         {CutLimit{Bytes: 20}, long, long, false},
		"long":          {CutLimit{Bytes: 10}, long, "ééé…", true},
		"a long text":   {CutLimit{Bytes: 10, Items: 2}, []string{"a", long}, []string{"a", "ééé…"}, true},
		"a long list":   {CutLimit{Bytes: 10, Items: 2}, []string{"a", "b", "c"}, []string{"a", "b"}, true},
		"a short list":  {CutLimit{Bytes: 10, Items: 2}, []string{"a", "b"}, []string{"a", "b"}, false},
		"long in both":  {CutLimit{Bytes: 10, Items: 1}, []string{long, "b"}, []string{"ééé…"}, true},
		"only items":    {CutLimit{Items: 1}, []string{long, "b"}, []string{long}, true},
		"a number":      {CutLimit{Bytes: 1}, int64(100), int64(100), false},
		"an empty list": {CutLimit{Bytes: 1, Items: 1}, []string{}, []string{}, false},
	} {
		list, _ := c.in.([]string)
		before := slices.Clone(list)
		if got, cut := c.limit.Apply(c.in); cut != c.cut || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, %v", name, got, cut)
		}
		if !slices.Equal(before, list) {
			t.Errorf("%s: the list itself was changed", name)
		}
	}
}
