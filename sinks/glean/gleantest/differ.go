package gleantest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Differ lists the differences between what an index has and what it should have, by key. what is the
// name of one of them.
func Differ[V any](what string, got, want map[string]V) (out []string) {
	for _, id := range slices.Sorted(maps.Keys(got)) {
		if w, ok := want[id]; !ok {
			out = append(out, fmt.Sprintf("%s %s is there and should not be", what, id))
		} else if !reflect.DeepEqual(got[id], w) {
			out = append(out, fmt.Sprintf("%s %s is %s, want %s", what, id, Text(got[id]), Text(w)))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[id]; !ok {
			out = append(out, fmt.Sprintf("%s %s is missing", what, id))
		}
	}
	return out
}

// Text returns a value as JSON.
func Text(v any) string {
	b, err := codec.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
