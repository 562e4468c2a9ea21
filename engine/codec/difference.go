package codec

import (
	"maps"
	"reflect"
	"slices"
)

// Difference is one value that differs between two JSON objects; nil is no value.
type Difference struct {
	Path   string `json:"path"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// Differences returns the innermost values that differ, in the order of their paths.
func Differences(before, after map[string]any) []Difference {
	return differences(before, after, "")
}

func differences(before, after map[string]any, prefix string) []Difference {
	names := map[string]bool{}
	for name := range before {
		names[name] = true
	}
	for name := range after {
		names[name] = true
	}
	var out []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, is := before[name], after[name]
		a, inBefore := was.(map[string]any)
		b, inAfter := is.(map[string]any)
		switch {
		case inBefore && inAfter:
			out = append(out, differences(a, b, prefix+name+".")...)
		case !reflect.DeepEqual(was, is):
			out = append(out, Difference{prefix + name, was, is})
		}
	}
	return out
}
