package codec

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Difference is one value that differs between two JSON objects; nil means no value.
type Difference struct {
	Path   string `json:"path"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// Lines returns the differing lines of the two values, without the common lines at the start
// and the end.
func (d Difference) Lines() (before, after []string) {
	before, after = linesOf(d.Before), linesOf(d.After)
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	return before, after
}

// linesOf returns the lines of a text, no line for nil, and one line of JSON for any other
// value.
func linesOf(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return strings.Split(v, "\n")
	}
	b, err := Marshal(v)
	if err != nil {
		return []string{err.Error()}
	}
	return []string{string(b)}
}

// Differences returns the innermost values that differ, ordered by path.
func Differences(before, after map[string]any) []Difference {
	return differences(before, after, "")
}

func differences(before, after map[string]any, prefix string) []Difference {
	if reflect.ValueOf(before).Pointer() == reflect.ValueOf(after).Pointer() {
		return nil
	}
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
