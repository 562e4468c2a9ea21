package backstage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// Decode fills in the entity's value. It requires the members that identify the entity, and
// valid relations, since they decide who may find it; other missing or wrong members are
// left to the expressions that read them. A kind is spelt as in the pipeline, a missing
// namespace becomes the default one, and relations of old servers get their targetRef.
func (m *Model) Decode(r *component.Record) error {
	if why, ok := codec.Text(r.Raw); ok { // left out by the reader
		return fault.Reject(fault.StageRead, "", "%s", why)
	}
	v, err := codec.DecodeShared(r.Raw) // sinks clone the values they keep
	if err != nil {
		return fault.Reject(fault.StageRead, "", "not a JSON object")
	}
	if r.Kind == PageKind {
		return decodePage(r, v)
	}
	meta, ok := v["metadata"].(map[string]any)
	if !ok {
		return fault.Reject(fault.StageRead, "metadata", "%s, but an object is expected", shape(v["metadata"]))
	}
	if err := wantText("kind", v["kind"]); err != nil {
		return err
	}
	if err := wantText("metadata.name", meta["name"]); err != nil {
		return err
	}
	if kind, _ := v["kind"].(string); strings.EqualFold(kind, r.Kind) {
		v["kind"] = r.Kind
	}
	if meta["namespace"] == nil {
		meta["namespace"] = ref.DefaultNamespace
	}
	if err := wantText("metadata.namespace", meta["namespace"]); err != nil {
		return err
	}
	if err := understand(v["relations"]); err != nil {
		return err
	}
	r.Value = v
	return nil
}

// deciding are the relations by which people find things.
var deciding = []string{"ownedBy", "ownerOf", "hasMember", "memberOf", "parentOf", "childOf"}

// understand checks relations and completes them.
func understand(v any) error {
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		return fault.Reject(fault.StageRead, "relations", "%s, but a list is expected", shape(v))
	}
	for i, item := range list {
		relation, ok := item.(map[string]any)
		if !ok {
			return fault.Reject(fault.StageRead, fmt.Sprintf("relations[%d]", i), "%s, but an object is expected",
				shape(item))
		}
		if relation["targetRef"] == nil {
			relation["targetRef"] = compound(relation["target"])
		}
		for _, name := range [...]string{"type", "targetRef"} {
			if !isText(relation[name]) {
				return wantText(fmt.Sprintf("relations[%d].%s", i, name), relation[name])
			}
		}
		if typ, target := relation["type"].(string), relation["targetRef"].(string); slices.Contains(deciding, typ) {
			if _, _, _, ok := ref.Split(strings.ToLower(target)); !ok {
				return fault.Reject(fault.StageRead, fmt.Sprintf("relations[%d].targetRef", i),
					"not a full entity ref, in a relation that decides who may find documents")
			}
		}
	}
	return nil
}

// compound is the ref of a target in parts, nil when it is none.
func compound(v any) any {
	target, _ := v.(map[string]any)
	kind, _ := target["kind"].(string)
	namespace, _ := target["namespace"].(string)
	name, _ := target["name"].(string)
	if kind == "" || namespace == "" || name == "" {
		return nil
	}
	return ref.New(kind, namespace, name)
}

func wantText(field string, v any) error {
	if !isText(v) {
		return fault.Reject(fault.StageRead, field, "%s, but text is expected", shape(v))
	}
	return nil
}

func isText(v any) bool {
	text, ok := v.(string)
	return ok && text != ""
}

// shape returns the type of a value, never its content.
func shape(v any) string {
	switch v.(type) {
	case nil:
		return "missing"
	case string:
		return "empty"
	case bool:
		return "true or false"
	case float64:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}
