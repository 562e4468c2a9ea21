package mapping

import (
	"cmp"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Spec is the component, for the registry.
func Spec() component.MapperSpec[*Config] {
	return component.MapperSpec[*Config]{
		Config: func() *Config { return &Config{} },
		New: func(cfg *Config, s component.MapperSettings) (component.Mapper, []component.MappingFacts) {
			return build(*cfg, s)
		},
	}
}

// Mapper maps.
type Mapper struct {
	streams []stream
	// omitted are the names of unmapped records, by kind.
	omitted map[string]string
}

type stream struct {
	name       string
	identities bool
	mappings   []mapping
}

type mapping struct {
	place  int                 // among those of its stream
	when   *expression.Program // nil takes every record
	fields []field
}

var _ component.Mapper = (*Mapper)(nil)

// Map makes the items of one pass. The first pass also evaluates the other streams'
// conditions, to report whether later passes have work.
func (m *Mapper) Map(w *component.Worker, r *component.Record, pass component.Pass) (component.Mapped, error) {
	var out component.Mapped
	takers := make([]taker, 0, 4)
	for i := range m.streams {
		s := &m.streams[i]
		if pass == component.OtherStreams && s.identities {
			continue
		}
		one, err := s.takes(w)
		if err != nil {
			return component.Mapped{}, err
		}
		if one != nil {
			takers = append(takers, taker{s, one})
		}
	}
	for _, t := range takers {
		if pass == component.IdentityStreams && !t.stream.identities {
			out.Later = true
			continue
		}
		item, err := t.mapping.item(w, t.stream.name, r)
		if err != nil {
			return component.Mapped{}, err
		}
		out.Items = append(out.Items, item)
	}
	if len(takers) == 0 {
		out.Omitted = cmp.Or(m.omitted[r.Kind], noMapping)
	}
	return out, nil
}

// taker is a mapping that takes a record, and its stream.
type taker struct {
	stream  *stream
	mapping *mapping
}

// takes returns the first mapping that takes the record, nil if none does.
func (s *stream) takes(w *component.Worker) (*mapping, error) {
	for i := range s.mappings {
		one := &s.mappings[i]
		if one.when == nil {
			return one, nil
		}
		holds, err := w.Run.True(one.when)
		if err != nil {
			return nil, fault.Reject(fault.StageMapping, s.name+".when", "%v", err)
		}
		if holds {
			return one, nil
		}
	}
	return nil, nil
}

func (m *mapping) item(w *component.Worker, stream string, r *component.Record) (component.Item, error) {
	item := component.Item{Stream: stream, Ref: r.Ref, Kind: r.Kind, Mapping: m.place,
		Fields: make([]component.Field, 0, len(m.fields))}
	for i := range m.fields {
		f := &m.fields[i]
		v, err := f.value(w, &item)
		if err != nil {
			return component.Item{}, err
		}
		if v == nil {
			if f.required {
				return component.Item{}, fault.Reject(fault.StageMapping, f.label, "it has no value, but %s need one",
					stream)
			}
			continue
		}
		item.Fields = append(item.Fields, component.Field{Name: f.name, Value: v})
	}
	return item, nil
}
