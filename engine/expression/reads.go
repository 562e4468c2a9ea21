package expression

import (
	"maps"
	"slices"
	"strings"
)

// reads is a set of dotted paths of the record.
type reads map[string]struct{}

func (r *reads) add(paths ...string) {
	if *r == nil {
		*r = make(reads)
	}
	for _, path := range paths {
		(*r)[path] = struct{}{}
	}
}

// minimal returns the paths that are not inside another path.
func (r reads) minimal() []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(r)) {
		if !slices.ContainsFunc(out, func(whole string) bool {
			return strings.HasPrefix(path, whole+".")
		}) && !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	return out
}

// pathOf returns a path that contains everything that a chain of steps reads: it ends before an
// index and before a key that is not a name.
func pathOf(name string, steps []step) string {
	path := name
	for _, s := range steps {
		if s.isIndex || !wordPattern.MatchString(s.key) {
			break
		}
		path += "." + s.key
	}
	return path
}
