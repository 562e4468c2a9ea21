package backstage

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var _ component.Recorder = (*Model)(nil)

// Record makes a record of an entity from the catalog's API or from a catalog file.
func (m *Model) Record(raw []byte) (*component.Record, error) {
	kind := kindOfRaw(raw)
	switch err := codec.Members(raw, func(string, []byte) error { return nil }); {
	case err != nil:
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	case kind == "":
		return nil, errors.New("it has no kind; an entity has one, as kind: Component")
	}
	if strings.EqualFold(kind, PageKind) {
		return recordedPage(raw)
	}
	r, err := record(raw, kind)
	if err != nil {
		return nil, err
	}
	for _, ph := range m.Phases() {
		for _, k := range ph.Kinds {
			if strings.EqualFold(k.Name, kind) {
				r.Kind = k.Name
			}
		}
	}
	return r, nil
}

// Complete adds to entities from catalog files what the catalog adds when it reads them, and to
// pages of documentation what the source adds of their entities.
func (m *Model) Complete(records []component.Recorded) ([][]byte, []string, error) {
	var entities []component.Recorded
	var places []int // of the entities
	for i, r := range records {
		if !strings.EqualFold(kindOfRaw(r.Raw), PageKind) {
			entities, places = append(entities, r), append(places, i)
		}
	}
	completed, notes, err := sandbox.Complete(entities)
	if err != nil || len(entities) == len(records) {
		return completed, notes, err
	}
	out := make([][]byte, len(records))
	about := map[string]*site{}
	for i, raw := range completed {
		out[places[i]] = raw
		if r, err := m.Record(raw); err == nil {
			about[r.Ref] = newSite(r)
		}
	}
	for i, r := range records {
		if out[i] != nil {
			continue
		}
		if out[i], err = completePage(r.Raw, about); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.Pos, err)
		}
	}
	return out, notes, nil
}

// completePage adds what is known of its entity to a page that has no relations.
func completePage(raw []byte, about map[string]*site) ([]byte, error) {
	page, err := codec.Decode(raw)
	if err != nil {
		return nil, err
	}
	entity, _ := page["entity"].(map[string]any)
	of, _ := entity["ref"].(string)
	is := about[strings.ToLower(of)]
	if _, recorded := page["relations"]; recorded || is == nil {
		return raw, nil
	}
	known, err := codec.Decode([]byte("{" + string(is.about) + "}"))
	if err != nil {
		return nil, err
	}
	maps.Copy(page, known)
	return codec.Marshal(page)
}

// kindOfRaw returns the kind of a record; "" when it has none.
func kindOfRaw(raw []byte) (kind string) {
	_ = codec.Members(raw, func(name string, value []byte) error {
		if name == "kind" {
			kind, _ = codec.Text(value)
		}
		return nil
	})
	return kind
}
