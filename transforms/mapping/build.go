package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/expression/condition"
)

func build(c Config, s component.MapperSettings) (*Mapper, []component.MappingFacts) {
	m := &Mapper{omitted: map[string]string{}}
	var facts []component.MappingFacts
	if s.Node.Kind() == config.Mapping && len(s.Node.Entries()) == 0 {
		s.Problem(s.Node, "required", "mapping is empty",
			"add a mapping for each stream of the sink: "+streamNames(s.Streams))
	}
	for _, e := range s.Node.Entries() {
		if e.Value.IsNull() {
			s.KeyProblem(e.Key, e.KeyPos, "required", e.Key+" has no mapping", "add fields: below it, or leave the stream out")
		}
	}
	for _, e := range c {
		b := builder{MapperSettings: s, stream: component.Stream{Name: e.Key}, anything: s.Streams == nil}
		if i := slices.IndexFunc(s.Streams, func(st component.Stream) bool { return st.Name == e.Key }); i >= 0 {
			b.stream = s.Streams[i]
		} else if !b.anything {
			s.KeyProblem(e.Key, e.KeyPos, "unknown-stream", fmt.Sprintf("the sink has no stream %q", e.Key),
				"its streams are "+streamNames(s.Streams))
			b.anything = true
		}
		made := stream{name: e.Key, identities: b.stream.Identities}
		for _, one := range e.Value {
			compiled, f := b.mapping(one)
			compiled.place = len(made.mappings)
			made.mappings = append(made.mappings, compiled)
			if !b.anything {
				facts = append(facts, f)
			}
			m.omit(f.Kinds, one.Otherwise)
		}
		m.streams = append(m.streams, made)
	}
	return m, facts
}

// omit sets the name under which unmapped records of these kinds are counted: the first one
// written for the kind.
func (m *Mapper) omit(kinds []string, name string) {
	for _, k := range kinds {
		if m.omitted[k] == "" && name != noMapping {
			m.omitted[k] = name
		}
	}
}

func streamNames(streams []component.Stream) string {
	var out []string
	for _, s := range streams {
		out = append(out, s.Name)
	}
	return strings.Join(out, ", ")
}

// builder makes the mappings of one stream. With anything, the stream's fields are not known
// and all are accepted, so expressions are still checked.
type builder struct {
	component.MapperSettings
	stream   component.Stream
	anything bool
}

func (b builder) mapping(one placed) (mapping, component.MappingFacts) {
	facts := component.MappingFacts{Stream: b.stream.Name, Node: one.node, When: one.When, Kinds: b.Kinds}
	m := mapping{when: b.Compile(one.When, expression.WantCondition)}
	if m.when != nil {
		facts.Kinds = slices.DeleteFunc(slices.Clone(b.Kinds), func(k string) bool {
			return !condition.MayHold(one.When.Text, "kind", k)
		})
		facts.Decides = m.when.Reads()
	}
	kinds := facts.Kinds
	if one.When.IsSet() && m.when == nil { // it is wrong, and the records it takes are not known
		kinds = nil
	}
	for _, e := range one.Fields {
		f, ff := b.field(e, kinds)
		m.fields = append(m.fields, f)
		facts.Fields = append(facts.Fields, ff)
		spec, _ := b.stream.Field(e.Key)
		if f.program != nil &&
			(spec.Required || spec.Decides || spec.Type == component.RefField || spec.Type == component.RefList) {
			facts.Decides = append(facts.Decides, f.program.Reads()...)
		}
	}
	b.required(one, facts)
	return m, facts
}

// required reports the fields that must be set and are not.
func (b builder) required(one placed, facts component.MappingFacts) {
	fields := one.node.Get("fields")
	for _, spec := range b.stream.Fields {
		set := slices.ContainsFunc(facts.Fields, func(f component.FieldFacts) bool { return f.Name == spec.Name })
		switch n := fields.Get(spec.Name); {
		case !spec.Required || set || len(fields.Entries()) == 0:
		case n != nil:
			b.Problem(n, "missing-field", fmt.Sprintf("%s need %s, but it is empty",
				b.stream.Name, spec.Name), spec.Doc)
		default:
			b.Problem(fields, "missing-field", fmt.Sprintf("%s need %s", b.stream.Name, spec.Name),
				"add "+spec.Name+": …   ("+spec.Doc+")")
		}
	}
}

// field makes one field. The facts of a misspelt field have the intended name, to avoid a
// second problem about a missing field.
func (b builder) field(e config.MapEntry[Value], kinds []string) (field, component.FieldFacts) {
	name, v := e.Key, e.Value
	f := field{name: name, label: b.stream.Name + "." + name}
	facts := component.FieldFacts{Name: name, Node: v.node}
	spec, known := b.stream.Field(name)
	if !known && !b.anything {
		facts.Name = b.unknown(e)
		b = builder{MapperSettings: b.MapperSettings, stream: b.stream, anything: true}
	}
	switch {
	case v.node == nil: // reported when the file was read
	case b.anything && v.IsMap, v.IsMap && spec.Type == component.Properties:
		f.properties = []field{}
		for _, p := range v.Properties {
			made := field{name: p.Key, label: f.label + "." + p.Key, convert: component.ConvertProperty, cut: spec.Cut}
			if len(p.Value.List) > 0 {
				b.Literal(p.Value.Node())
				made.literal = p.Value.List
			}
			made.program = b.Compile(p.Value.Expression, expression.WantAny)
			f.properties = append(f.properties, made)
			facts.Properties = append(facts.Properties,
				component.FieldFacts{Name: p.Key, Node: v.node.Get(p.Key), Values: b.values(made.program, kinds)})
		}
	case b.anything:
		f.program = b.Compile(v.Expression, expression.WantAny)
	case v.IsMap:
		b.Problem(v.node, "wrong-kind", name+" is one value, but this is a mapping", "write "+name+": EXPRESSION")
	case spec.Type == component.Properties:
		b.Problem(v.node, "wrong-kind", name+" is a mapping of properties, but this is one value",
			"write the properties below it, one per line: type: spec.type")
	case v.IsList:
		b.Literal(v.node)
		var err error
		if f.literal, err = spec.Type.List(v.List, b.Refs); err != nil {
			b.Problem(v.node, "wrong-kind", fmt.Sprintf("%s: %v", name, err), "write "+name+": EXPRESSION")
		}
	default:
		f.required, f.cut = spec.Required, spec.Cut
		f.convert = func(v any) (any, error) { return spec.Type.Convert(v, b.Refs) }
		f.program = b.Compile(v.Expression, wanted(spec.Type))
		facts.Values = b.values(f.program, kinds)
	}
	return f, facts
}

// unknown reports a field that the stream does not have and returns the intended name, or
// else its own.
func (b builder) unknown(e config.MapEntry[Value]) string {
	known := make([]string, len(b.stream.Fields))
	for i, f := range b.stream.Fields {
		known[i] = f.Name
	}
	hint, meant := "its fields are "+strings.Join(known, ", "), e.Key
	if near := config.Nearest(e.Key, known); near != "" {
		hint, meant = "did you mean "+near+"?", near
	}
	b.KeyProblem(e.Key, e.KeyPos, "unknown-field", fmt.Sprintf("%s have no field %q", b.stream.Name, e.Key), hint)
	return meant
}

func wanted(t component.FieldType) expression.Want {
	switch t {
	case component.Text, component.RefField, component.EmailField:
		return expression.WantText
	case component.TextList, component.RefList:
		return expression.WantList
	}
	return expression.WantAny
}

// values returns the result of an expression for each kind, if the expression reads only the
// kind.
func (b builder) values(p *expression.Program, kinds []string) map[string]string {
	if p == nil {
		return nil
	}
	if len(kinds) == 0 { // the mapping takes no kind that is read; a literal is known in any case
		v, ok := b.Known(p, "kind", "a")
		if other, also := b.Known(p, "kind", "b"); ok && also && v == other {
			return map[string]string{"": v}
		}
		return nil
	}
	out := map[string]string{}
	for _, k := range kinds {
		v, ok := b.Known(p, "kind", k)
		if !ok {
			return nil
		}
		out[k] = v
	}
	return out
}
