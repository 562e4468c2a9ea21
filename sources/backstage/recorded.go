package backstage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var _ component.Recorder = (*Model)(nil)

// Record makes a record of an entity from the catalog's API or from a catalog file.
func (m *Model) Record(raw []byte) (*component.Record, error) {
	var kind string
	err := codec.Members(raw, func(name string, value []byte) error {
		if name == "kind" {
			kind, _ = codec.Text(value)
		}
		return nil
	})
	switch {
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

// Complete adds to entities from catalog files what the catalog adds when it reads them.
func (m *Model) Complete(records []component.Recorded) ([][]byte, []string, error) {
	return sandbox.Complete(records)
}
