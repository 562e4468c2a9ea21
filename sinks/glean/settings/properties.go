package settings

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Property is a custom property that several object types may have, written once.
type Property struct {
	api.PropertyDefinition `yaml:",inline"`
	ObjectTypes            []string `yaml:"objectTypes" doc:"The object types that have it; by default those whose mapping sets it."`
}

// validateProperties holds the shared properties against the object types.
func (c *Config) validateProperties(report func(field, code, message, hint string)) {
	problem := func(message, hint, format string, args ...any) {
		report("properties."+fmt.Sprintf(format, args...), codeGlean, message, hint)
	}
	seen := map[string]bool{}
	for i, p := range c.Properties {
		if seen[p.Name] {
			problem(fmt.Sprintf("property %q is listed twice", p.Name), "remove one of the two", "%d.name", i)
		}
		seen[p.Name] = true
		if p.UIFacetOrder != 0 {
			problem("the order of the list is the order of the facets",
				"remove uiFacetOrder and list the properties in the order of their facets", "%d.uiFacetOrder", i)
		}
		for j, name := range p.ObjectTypes {
			if c.objectType(name) == nil {
				problem(fmt.Sprintf("object type %q is not under datasource.objectDefinitions", name),
					"define it there, or leave it out", "%d.objectTypes.%d", i, j)
			}
		}
		for _, o := range c.Datasource.ObjectDefinitions {
			if p.Group != "" && (p.ObjectTypes == nil || slices.Contains(p.ObjectTypes, o.Name)) &&
				!slices.ContainsFunc(o.PropertyGroups, func(g api.PropertyGroup) bool { return g.Name == p.Group }) {
				problem(fmt.Sprintf("%s has no property group %q", Label(o.Name), p.Group),
					"add the group to its propertyGroups, or leave group out", "%d.group", i)
				break
			}
		}
	}
}

func (c *Config) objectType(name string) *api.ObjectDefinition {
	i := slices.IndexFunc(c.Datasource.ObjectDefinitions, func(o api.ObjectDefinition) bool { return o.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Datasource.ObjectDefinitions[i]
}

// DefineProperties completes the property definitions of the object types with the shared
// properties that belong to them, and with those that the mappings of documents set without
// a definition, as text without a facet. It is idempotent.
func (c *Config) DefineProperties(all []component.MappingFacts, b component.Builder) {
	s, err := NewSchema(c.Datasource)
	if err != nil {
		return // it is reported as a problem of urlRegex
	}
	set := map[string][]component.FieldFacts{} // the properties that mappings set, by object type
	for _, m := range all {
		f := fieldOf(m, "customProperties")
		if f == nil {
			continue
		}
		types, certain := s.possibleTypes(fieldOf(m, "objectType"))
		for _, p := range f.Properties {
			if !certain && s.definesAnywhere(p.Name) {
				continue // it may belong only to the types that define it
			}
			for _, t := range types {
				set[t] = append(set[t], p)
			}
		}
	}
	for i := range c.Datasource.ObjectDefinitions {
		o := &c.Datasource.ObjectDefinitions[i]
		known := c.shared(*o, set[o.Name])
		o.PropertyDefinitions = append(known, derived(known, set[o.Name], b)...)
	}
	c.checkShared(set, all, b)
}

// definesAnywhere reports whether an object type has a definition of a property.
func (s *Schema) definesAnywhere(property string) bool {
	for _, types := range s.types {
		if _, defined := types[property]; defined {
			return true
		}
	}
	return false
}

// possibleTypes returns the object types that a mapping may set, all of them if that is not
// certain.
func (s *Schema) possibleTypes(f *component.FieldFacts) (out []string, certain bool) {
	if f == nil || f.Values == nil {
		return s.names(), false
	}
	for _, t := range f.Values {
		if _, named := s.types[t]; !named {
			t = "" // the default object type, if there is one
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out, true
}

// shared returns the definitions of an object type, with the shared properties that belong
// to it. Their facets follow its own.
func (c *Config) shared(o api.ObjectDefinition, set []component.FieldFacts) []api.PropertyDefinition {
	out := slices.Clone(o.PropertyDefinitions)
	order, numbered := 0, true
	for _, p := range out {
		if !facet(p) {
			continue
		}
		order = max(order, p.UIFacetOrder)
		numbered = numbered && p.UIFacetOrder != 0
	}
	for _, p := range c.Properties {
		belongs := setsName(set, p.Name)
		if p.ObjectTypes != nil {
			belongs = slices.Contains(p.ObjectTypes, o.Name)
		}
		if !belongs || defined(out, p.Name) {
			continue
		}
		d := p.PropertyDefinition
		if numbered && facet(d) && d.PropertyType != api.PropertyInt {
			order++
			d.UIFacetOrder = order
		}
		out = append(out, d)
	}
	return out
}

// derived are definitions of the properties that the mappings of an object type set and
// that are not known.
func derived(known []api.PropertyDefinition, set []component.FieldFacts,
	b component.Builder) []api.PropertyDefinition {
	var names []string
	for _, p := range known {
		names = append(names, p.Name)
	}
	var out []api.PropertyDefinition
	for _, f := range set {
		if defined(known, f.Name) || defined(out, f.Name) {
			continue
		}
		if near := config.Nearest(f.Name, names); near != "" && !setsName(set, near) {
			b.Warn(f.Node, codeDatasource,
				fmt.Sprintf("property %q is not defined, while %s is defined and not set", f.Name, near),
				"write "+near+", if that is meant; "+f.Name+" will be text without a facet")
		}
		out = append(out, api.PropertyDefinition{Name: f.Name, DisplayLabel: labelOf(f.Name), PropertyType: api.PropertyText,
			HideUIFacet: new(true)})
	}
	return out
}

// checkShared warns of shared properties that no mapping sets.
func (c *Config) checkShared(set map[string][]component.FieldFacts, all []component.MappingFacts, b component.Builder) {
	for _, p := range c.Properties {
		if p.ObjectTypes != nil || len(all) == 0 {
			continue
		}
		used := false
		for _, properties := range set {
			used = used || setsName(properties, p.Name)
		}
		if !used {
			b.Warn(all[0].Node, codeUnset,
				fmt.Sprintf("property %q is defined under sink.glean.properties and never set", p.Name),
				"add "+p.Name+": EXPRESSION below customProperties, or remove it there")
		}
	}
}

// facet reports whether a property makes a facet, for whose order it counts.
func facet(p api.PropertyDefinition) bool {
	return !IsTrue(p.HideUIFacet) && (p.PropertyType != api.PropertyInt || p.UIFacetOrder != 0)
}

func defined(all []api.PropertyDefinition, name string) bool {
	return slices.ContainsFunc(all, func(p api.PropertyDefinition) bool { return p.Name == name })
}

func setsName(set []component.FieldFacts, name string) bool {
	return slices.ContainsFunc(set, func(f component.FieldFacts) bool { return f.Name == name })
}

// labelOf returns the label of a property whose definition has none: "On call" for onCall,
// on_call and on-call.
func labelOf(name string) string {
	var words strings.Builder
	before := rune(0)
	for _, r := range name {
		switch {
		case r == '_' || r == '-':
			words.WriteByte(' ')
		case unicode.IsUpper(r) && unicode.IsLower(before):
			words.WriteByte(' ')
			words.WriteRune(unicode.ToLower(r))
		case before == 0:
			words.WriteRune(unicode.ToUpper(r))
		default:
			words.WriteRune(r)
		}
		before = r
	}
	return words.String()
}
