package sandbox

import (
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/records"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// FromFile reads a catalog from a file, in every format of engine/records, and
// completes it. Of two entities with one ref the last one counts.
func FromFile(path string) (entities [][]byte, notes []string, err error) {
	all, err := records.Load(path, hasKind)
	if err != nil {
		return nil, nil, err
	}
	var again records.Twice
	var last []component.Recorded
	place := map[string]int{}
	for _, r := range all {
		own, err := refOf(r)
		if err != nil {
			return nil, nil, err
		}
		if i, twice := place[own]; twice && own != "" {
			again.Add(own, r)
			last[i] = r
			continue
		}
		place[own] = len(last)
		last = append(last, r)
	}
	entities, notes, err = Complete(last)
	if sentence := again.Sentence(); sentence != "" {
		notes = append([]string{sentence}, notes...)
	}
	return entities, notes, err
}

// hasKind reports whether an object is an entity: pages of the API have no kind.
func hasKind(object []byte) bool {
	kind := ""
	err := codec.Members(object, func(name string, value []byte) error {
		if name == "kind" {
			kind, _ = codec.Text(value)
		}
		return nil
	})
	return err == nil && kind != ""
}

// refOf returns the ref of an entity, "" when it has no name, and an error for a value that
// is not an entity.
func refOf(r component.Recorded) (string, error) {
	const remedy = "give entities in the format of the catalog's API or of catalog files"
	e, err := newEntry(r.Raw, newest)
	if err != nil {
		return "", fault.Errorf(fault.Fatal, remedy, "%s: not a record: it is not a JSON object: %w", r.Pos, err)
	}
	if e.kind.value == "" {
		return "",
			fault.Errorf(fault.Fatal, remedy, "%s: not a record: it has no kind; an entity has one, as kind: "+
				"Component", r.Pos)
	}
	if e.name.value == "" {
		return "", nil
	}
	return ref.New(e.kind.value, e.namespace.value, e.name.value), nil
}
