package mapping

import (
	"cmp"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Spec is the component, for the registry.
func Spec() engine.MapperSpec {
	return engine.MapperSpec{
		Config: func() any { return &Config{} },
		New: func(cfg any, s engine.MapperSettings) (engine.Mapper, []engine.MappingFacts) {
			return build(*cfg.(*Config), s)
		},
	}
}

// Mapper maps.
type Mapper struct {
	streams []stream
	// omitted names the records of a kind that no mapping takes.
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

var _ engine.Mapper = (*Mapper)(nil)

// Map makes the items of one pass. The first pass looks at the other streams'
// conditions, too, to tell whether there is anything to do later.
func (m *Mapper) Map(w *engine.Worker, r *engine.Record, pass engine.Pass) (engine.Mapped, error) {
	var out engine.Mapped
	var takers []taker
	for i := range m.streams {
		s := &m.streams[i]
		if pass == engine.OtherStreams && s.identities {
			continue
		}
		one, err := s.takes(w)
		if err != nil {
			return engine.Mapped{}, err
		}
		if one != nil {
			takers = append(takers, taker{s, one})
		}
	}
	for _, t := range takers {
		if pass == engine.IdentityStreams && !t.stream.identities {
			out.Later = true
			continue
		}
		item, err := t.mapping.item(w, t.stream.name, r)
		if err != nil {
			return engine.Mapped{}, err
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

// takes is the first mapping that takes the record, nil when none does.
func (s *stream) takes(w *engine.Worker) (*mapping, error) {
	for i := range s.mappings {
		one := &s.mappings[i]
		if one.when == nil {
			return one, nil
		}
		holds, err := w.Run.True(one.when)
		if err != nil {
			return nil, fault.Reject("mapping", s.name+".when", "%v", err)
		}
		if holds {
			return one, nil
		}
	}
	return nil, nil
}

func (m *mapping) item(w *engine.Worker, stream string, r *engine.Record) (engine.Item, error) {
	item := engine.Item{Stream: stream, Ref: r.Ref, Kind: r.Kind, Mapping: m.place, Fields: make([]engine.Field, 0, len(m.fields))}
	for i := range m.fields {
		f := &m.fields[i]
		v, err := f.value(w, &item)
		if err != nil {
			return engine.Item{}, err
		}
		if v == nil {
			if f.required {
				return engine.Item{}, fault.Reject("mapping", f.label, "it has no value, and %s need one", stream)
			}
			continue
		}
		item.Fields = append(item.Fields, engine.Field{Name: f.name, Value: v})
	}
	return item, nil
}
