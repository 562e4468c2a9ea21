package host

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
)

// needs are the paths that a plugin is sent, none within another; nil means the whole
// record.
type needs [][]string

func newNeeds(paths []string) needs {
	if len(paths) == 0 {
		return nil
	}
	out := needs{}
	sorted := slices.Compact(slices.Sorted(slices.Values(paths)))
	for _, path := range sorted {
		if !slices.ContainsFunc(sorted, func(whole string) bool { return whole != path && within(path, whole) }) {
			out = append(out, strings.Split(path, "."))
		}
	}
	return out
}

// document returns the part of a record for a plugin: ref, kind, and the needed paths. It
// shares memory with the record.
func (n needs) document(r *component.Record) map[string]any {
	doc := make(map[string]any, len(n)+2)
	if n == nil {
		for name, v := range r.Value {
			doc[name] = v
		}
	}
	for _, path := range n {
		v, ok := lookup(r.Value, path)
		if !ok {
			continue
		}
		at := doc
		for _, name := range path[:len(path)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[name] = next
			}
			at = next
		}
		at[path[len(path)-1]] = v
	}
	doc["ref"], doc["kind"] = r.Ref, kindOf(r)
	return doc
}

// kindOf is the kind as the record writes it.
func kindOf(r *component.Record) any {
	if kind, ok := r.Value["kind"]; ok {
		return kind
	}
	return r.Kind
}

// lookup finds the value at a path.
func lookup(root map[string]any, path []string) (v any, ok bool) {
	v, ok = root, true
	for _, name := range path {
		object, isObject := v.(map[string]any)
		if !isObject {
			return nil, false
		}
		if v, ok = object[name]; !ok {
			return nil, false
		}
	}
	return v, ok
}
