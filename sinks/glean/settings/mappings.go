package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
)

// The codes of the problems below.
const (
	codeDatasource = "datasource"
	codeUnset      = "unset-property"
)

// CheckMappings compares the fields that mappings of documents set with the datasource's
// config.
func (s *Schema) CheckMappings(all []component.MappingFacts, b component.Builder) {
	given := map[string][]component.MappingFacts{} // by object type
	for _, m := range all {
		types, certain := s.checkMapping(m, b)
		if !certain {
			given = nil // any of them may give any type, or set any property
		}
		for _, t := range types {
			if given != nil {
				given[t] = append(given[t], m)
			}
		}
	}
	s.checkUnset(given, b)
}

// checkUnset warns about properties that object types declare but no mapping with these
// types sets: an empty facet.
func (s *Schema) checkUnset(given map[string][]component.MappingFacts, b component.Builder) {
	unset := map[string][]string{} // the object types by property
	for _, t := range slices.Sorted(maps.Keys(given)) {
		declared, _ := s.Properties(t)
		for name := range declared {
			if !slices.ContainsFunc(given[t], func(m component.MappingFacts) bool { return setsProperty(m, name) }) {
				unset[name] = append(unset[name], t)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unset)) {
		types := strings.Join(unset[name], ", ")
		m := given[unset[name][0]][0]
		at := m.Node
		if f := fieldOf(m, "customProperties"); f != nil {
			at = f.Node
		}
		b.Warn(at, codeUnset, fmt.Sprintf("property %q is declared for %s and never set", name, types),
			"add "+name+": EXPRESSION below customProperties, or remove it from the propertyDefinitions of "+types)
	}
}

func setsProperty(m component.MappingFacts, name string) bool {
	f := fieldOf(m, "customProperties")
	return f != nil && slices.ContainsFunc(f.Properties, func(p component.FieldFacts) bool { return p.Name == name })
}

func fieldOf(m component.MappingFacts, name string) *component.FieldFacts {
	i := slices.IndexFunc(m.Fields, func(f component.FieldFacts) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &m.Fields[i]
}

// checkMapping checks one mapping. It returns the object types that it may set, and whether
// these and its properties are certain.
func (s *Schema) checkMapping(m component.MappingFacts, b component.Builder) (types []string, certain bool) {
	field := func(name string) *component.FieldFacts { return fieldOf(m, name) }
	if field("viewURL") == nil && !s.Entity {
		b.Problem(m.Node, "missing-field", "documents need viewURL",
			"add viewURL: page   (optional only for an entity datasource)")
	}
	if field("title") == nil {
		b.Warn(m.Node, "missing-title", "documents without a title are hard to find",
			"add title: coalesce(metadata.title, metadata.name)")
	}
	if field("body") == nil && field("summary") == nil {
		b.Warn(m.Node, "missing-text", "documents with neither body nor summary are found only by their title",
			"add body: plain(metadata.description)")
	}
	types, known := s.typesOf(field("objectType"), b)
	return types, known
}

// typesOf returns the object types that a mapping may set; all types if that cannot be
// known. It reports undefined ones.
func (s *Schema) typesOf(f *component.FieldFacts, b component.Builder) (types []string, known bool) {
	if f == nil || f.Values == nil {
		return s.names(), false
	}
	for _, t := range slices.Compact(slices.Sorted(maps.Values(f.Values))) {
		if _, declared := s.Properties(t); declared {
			types = append(types, t)
			continue
		}
		b.Problem(f.Node, codeDatasource, fmt.Sprintf("objectType %q is not under datasource.objectDefinitions", t),
			"the types there are "+s.typeNames()+"; Glean rejects documents of other types")
	}
	return types, true
}

func (s *Schema) names() []string { return slices.Sorted(maps.Keys(s.types)) }

// typeNames lists the object types for people.
func (s *Schema) typeNames() string {
	names := s.names()
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
