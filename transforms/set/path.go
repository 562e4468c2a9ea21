package set

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

var (
	dotted    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
	bracketed = regexp.MustCompile(`^\["([^"\\\]]+)"\]`)
)

const pathHint = `write a path as metadata.title or metadata.annotations["example.com/x"]`

// fixed are the members that make a record the one it is: its ref was taken
// from them when it was read, and who finds it is resolved by it.
func fixed() []string {
	return []string{"kind", "apiVersion", "metadata.name", "metadata.namespace", "metadata.uid"}
}

// checkedPath returns the path of an entry, nil when it is wrong. The model decides whether
// records can have such a member.
func checkedPath(e config.MapEntry[config.ExpressionOrList], s component.TransformSettings) []string {
	path, err := parsePath(e.Key)
	if err != nil {
		s.KeyProblem(e.Key, e.KeyPos, "bad-path", err.Error(), pathHint)
		return nil
	}
	whole := strings.Join(path, ".") + "."
	for _, f := range fixed() {
		if f += "."; strings.HasPrefix(whole, f) || strings.HasPrefix(f, whole) {
			s.KeyProblem(e.Key, e.KeyPos, "bad-path", e.Key+" identifies the record and cannot be set",
				"set another member, as metadata.title")
			return nil
		}
	}
	program := s.CompilePath(e.Key, e.KeyPos)
	if program == nil {
		return nil
	}
	reads := program.Reads()
	if len(reads) != 1 || strings.SplitN(reads[0], ".", 2)[0] != path[0] {
		s.KeyProblem(e.Key, e.KeyPos, "bad-path", path[0]+" is not a member of the record", pathHint)
		return nil
	}
	return path
}

// parsePath splits metadata.annotations["a.b/c"] into its names.
func parsePath(s string) ([]string, error) {
	var path []string
	rest := s
	for first := true; rest != ""; first = false {
		if m := bracketed.FindStringSubmatch(rest); m != nil && !first {
			path, rest = append(path, m[1]), rest[len(m[0]):]
			continue
		}
		if !first {
			if rest[0] != '.' {
				return nil, fmt.Errorf("%q is not a path of the record: unexpected %q", s, rest)
			}
			rest = rest[1:]
		}
		m := dotted.FindString(rest)
		if m == "" {
			return nil, fmt.Errorf("%q is not a path of the record: a name is missing before %q", s, rest)
		}
		path, rest = append(path, m), rest[len(m):]
	}
	if len(path) == 0 {
		return nil, fmt.Errorf("the path is empty")
	}
	return path, nil
}
