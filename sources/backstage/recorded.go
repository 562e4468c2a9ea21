package backstage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var _ engine.Recorder = (*Model)(nil)

// Record makes a record of an entity as the catalog's API gives it, or as people
// write it.
func (m *Model) Record(raw []byte) (*engine.Record, error) {
	var kind string
	err := codec.Members(raw, func(name string, value []byte) error {
		if name == "kind" {
			kind, _ = codec.Text(value)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is no JSON object: %w", err)
	case kind == "":
		return nil, errors.New("it has no kind, as an entity has: kind: Component")
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

// Complete gives entities without relations those that the catalog computes
// from the specs of all; what has relations is taken as it was recorded.
func (m *Model) Complete(raw [][]byte) ([][]byte, error) {
	related := make([]bool, len(raw))
	all := true
	for i, one := range raw {
		_ = codec.Members(one, func(name string, _ []byte) error {
			related[i] = related[i] || name == "relations"
			return nil
		})
		all = all && related[i]
	}
	if all {
		return raw, nil
	}
	out, err := sandbox.Stitch(raw)
	for i := range out {
		if related[i] {
			out[i] = raw[i]
		}
	}
	return out, err
}
