package sandbox

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// relation is one direction of what two entities are to each other.
type relation struct{ source, kind, target string }

func (a relation) compare(b relation) int {
	return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.target, b.target))
}

// reference is a field of a spec that refers to other entities, by one ref or
// a list of them, and the pair of relations that follow from it.
type reference struct {
	kinds    []string // whose spec it is
	field    string
	defaults string // the kind of a ref without one; "" if it is required
	forth    string // this entity to the other
	back     string
}

var references = []reference{
	{[]string{"component", "api", "system", "domain", "resource", "template"}, "owner", "group", "ownedBy", "ownerOf"},
	{[]string{"component", "api", "resource"}, "system", "system", "partOf", "hasPart"},
	{[]string{"system"}, "domain", "domain", "partOf", "hasPart"},
	{[]string{"domain"}, "subdomainOf", "domain", "partOf", "hasPart"},
	{[]string{"component"}, "subcomponentOf", "component", "partOf", "hasPart"},
	{[]string{"component"}, "providesApis", "api", "providesApi", "apiProvidedBy"},
	{[]string{"component"}, "consumesApis", "api", "consumesApi", "apiConsumedBy"},
	{[]string{"component", "resource"}, "dependsOn", "", "dependsOn", "dependencyOf"},
	{[]string{"component", "resource"}, "dependencyOf", "", "dependencyOf", "dependsOn"},
	{[]string{"user"}, "memberOf", "group", "memberOf", "hasMember"},
	{[]string{"group"}, "members", "user", "hasMember", "memberOf"},
	{[]string{"group"}, "parent", "group", "childOf", "parentOf"},
	{[]string{"group"}, "children", "group", "parentOf", "childOf"},
}

// emitted returns the relations that one entity's spec implies, for both ends. The other end
// need not exist; a value that is not a ref is ignored.
func emitted(e map[string]any, source string) []relation {
	kind, rest, _ := strings.Cut(source, ":")
	namespace, _, _ := strings.Cut(rest, "/")
	spec, _ := e["spec"].(map[string]any)
	var out []relation
	for _, r := range references {
		if !slices.Contains(r.kinds, kind) {
			continue
		}
		values, ok := spec[r.field].([]any)
		if !ok {
			values = []any{spec[r.field]}
		}
		for _, v := range values {
			text, _ := v.(string)
			if target, ok := ref.Resolve(text, r.defaults, namespace); ok {
				out = append(out, relation{source, r.forth, target}, relation{target, r.back, source})
			}
		}
	}
	return out
}

// withTargets adds to each relation the compound target that older servers returned in
// addition to the ref.
func withTargets(raw []byte) ([]byte, error) {
	e, err := codec.Decode(raw)
	if err != nil {
		return nil, err
	}
	list, _ := e["relations"].([]any)
	for _, item := range list {
		r, _ := item.(map[string]any)
		target, _ := r["targetRef"].(string)
		if kind, namespace, name, ok := ref.Split(target); ok {
			r["target"] = map[string]any{"kind": kind, "namespace": namespace, "name": name}
		}
	}
	return codec.Marshal(e)
}
