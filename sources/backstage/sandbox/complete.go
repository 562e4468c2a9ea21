package sandbox

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/placeholder"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// Complete turns entities into what a catalog serves: placeholders are resolved, and
// entities without relations are stitched from the specs of all. An entity with relations
// was recorded, and only its placeholders are resolved.
func Complete(all []component.Recorded) (entities [][]byte, notes []string, err error) {
	folders := map[string]*placeholder.Folder{}
	defer func() {
		for _, f := range folders {
			f.Close()
		}
	}()
	var missed []placeholder.Missed
	decoded, related, stitching := make([]map[string]any, len(all)), make([][]byte, len(all)), false
	for i, r := range all {
		e, err := codec.Decode(r.Raw)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.Pos, err)
		}
		if folders[r.Folder] == nil {
			folders[r.Folder] = placeholder.New(r.Folder)
		}
		changed, more := folders[r.Folder].Resolve(written(e), e)
		decoded[i], missed = e, append(missed, more...)
		if _, recorded := e["relations"]; !recorded {
			stitching = true
			continue
		}
		if related[i] = r.Raw; changed {
			if related[i], err = codec.Marshal(e); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", r.Pos, err)
			}
		}
	}
	if sentence := placeholder.Sentence(missed); sentence != "" {
		notes = append(notes, sentence)
	}
	if !stitching {
		return related, notes, nil
	}
	if entities, err = stitch(decoded); err != nil {
		return nil, nil, err
	}
	for i, raw := range related {
		if raw != nil {
			entities[i] = raw
		}
	}
	return entities, notes, nil
}

// written is the ref of an entity whose namespace may be left out.
func written(e map[string]any) string {
	kind, _ := e["kind"].(string)
	meta, _ := e["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	namespace, ok := meta["namespace"].(string)
	if !ok {
		namespace = ref.DefaultNamespace
	}
	return ref.New(kind, namespace, name)
}
