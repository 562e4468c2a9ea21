package sandbox

import (
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// Stitch turns entities of catalog files into what a catalog serves: missing namespace, uid,
// etag and location are filled in, and relations are computed from the specs of all of them,
// in both directions. Values that an entity has already stay, except relations.
func Stitch(entities [][]byte) ([][]byte, error) {
	decoded := make([]map[string]any, len(entities))
	for i, raw := range entities {
		e, err := codec.Decode(raw)
		if err != nil {
			return nil, fmt.Errorf("entity %d: %w", i+1, err)
		}
		decoded[i] = e
	}
	return stitch(decoded)
}

func stitch(entities []map[string]any) ([][]byte, error) {
	relations := map[string][]relation{}
	refs := make([]string, len(entities))
	for i, e := range entities {
		refs[i] = fillIn(e)
		for _, r := range emitted(e, refs[i]) {
			relations[r.source] = append(relations[r.source], r)
		}
	}
	out := make([][]byte, len(entities))
	for i, e := range entities {
		e["relations"] = sorted(relations[refs[i]])
		raw, err := codec.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", refs[i], err)
		}
		meta := e["metadata"].(map[string]any)
		if meta["etag"] == nil {
			meta["etag"] = fmt.Sprintf("%x", sha1.Sum(raw))
			if raw, err = codec.Marshal(e); err != nil {
				return nil, fmt.Errorf("%s: %w", refs[i], err)
			}
		}
		out[i] = raw
	}
	return out, nil
}

// fillIn adds the members that the catalog sets, and returns the entity's ref.
func fillIn(e map[string]any) string {
	meta := child(e, "metadata")
	set := func(m map[string]any, name, value string) {
		if m[name] == nil {
			m[name] = value
		}
	}
	set(meta, "namespace", ref.DefaultNamespace)
	kind, _ := e["kind"].(string)
	namespace, _ := meta["namespace"].(string)
	name, _ := meta["name"].(string)
	own := ref.New(kind, namespace, name)
	set(meta, "uid", uidOf(own))
	location := "url:https://git.example.com/catalog/" + strings.ToLower(namespace+"/"+kind+"/"+name) + ".yaml"
	annotations := child(meta, "annotations")
	set(annotations, "backstage.io/managed-by-location", location)
	set(annotations, "backstage.io/managed-by-origin-location", location)
	return own
}

func child(m map[string]any, name string) map[string]any {
	c, ok := m[name].(map[string]any)
	if !ok {
		c = map[string]any{}
		m[name] = c
	}
	return c
}

func sorted(list []relation) []any {
	slices.SortFunc(list, relation.compare)
	out := []any{}
	for _, r := range slices.Compact(list) {
		out = append(out, map[string]any{"type": r.kind, "targetRef": r.target})
	}
	return out
}
