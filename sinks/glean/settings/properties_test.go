package settings

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// warned is a component.Builder that collects warnings.
type warned struct {
	component.Builder
	got []string
}

func (w *warned) Warn(_ *config.Node, code, message, _ string) {
	w.got = append(w.got, code+": "+message)
}

// mapping sets properties of some object types, of any when there are none.
func mapping(types string, properties ...string) component.MappingFacts {
	f := component.FieldFacts{Name: "objectType"}
	for _, t := range strings.Fields(types) {
		if f.Values == nil {
			f.Values = map[string]string{}
		}
		f.Values["kind "+t] = t
	}
	custom := component.FieldFacts{Name: "customProperties"}
	for _, p := range properties {
		custom.Properties = append(custom.Properties, component.FieldFacts{Name: p})
	}
	return component.MappingFacts{Fields: []component.FieldFacts{f, custom}}
}

// TestDefineProperties: shared properties belong to the object types whose mapping sets
// them, with facets in the order of the list; an undefined property is text without a facet.
func TestDefineProperties(t *testing.T) {
	picklist := func(name string, types ...string) Property {
		return Property{api.PropertyDefinition{Name: name, PropertyType: api.PropertyPicklist}, types}
	}
	hidden := picklist("ref")
	hidden.HideUIFacet = new(true)
	own := func(name string, order int) api.PropertyDefinition {
		return api.PropertyDefinition{Name: name, PropertyType: api.PropertyPicklist, UIFacetOrder: order}
	}
	for name, tc := range map[string]struct {
		own      []api.PropertyDefinition // of component
		shared   []Property
		mappings []component.MappingFacts
		want     string
	}{
		"in the order of the list": {nil, []Property{picklist("a"), hidden, picklist("b")},
			[]component.MappingFacts{mapping("component", "b", "ref", "a"), mapping("team", "b", "ref")},
			"component: a 1, ref -, b 2; team: ref -, b 1"},
		"after the type's facets": {[]api.PropertyDefinition{own("x", 2), own("y", 1)}, []Property{picklist("a")},
			[]component.MappingFacts{mapping("component team", "a", "x")},
			"component: x 2, y 1, a 3; team: a 1, x - TEXT"},
		"the type's facets have no order": {[]api.PropertyDefinition{own("x", 0)}, []Property{picklist("a")},
			[]component.MappingFacts{mapping("component", "a", "x")}, "component: x, a; team:"},
		"the type's definition wins": {[]api.PropertyDefinition{own("a", 1)}, []Property{picklist("a", "component", "team")},
			[]component.MappingFacts{mapping("component team", "a")}, "component: a 1; team: a 1"},
		"of one object type": {nil, []Property{picklist("a", "team")}, []component.MappingFacts{mapping("team", "a")},
			"component:; team: a 1"},
		"defined nowhere": {nil, nil, []component.MappingFacts{mapping("component", "onCall")},
			"component: onCall - TEXT; team:"},
		"of any type": {[]api.PropertyDefinition{own("x", 1)}, []Property{picklist("a")},
			[]component.MappingFacts{mapping("", "a", "x", "tier")},
			"component: x 1, a 2, tier - TEXT; team: a 1, tier - TEXT"},
		"misspelt": {[]api.PropertyDefinition{own("lifecycle", 1)}, nil,
			[]component.MappingFacts{mapping("component", "lifecycel")},
			`component: lifecycle 1, lifecycel - TEXT; team:; datasource: property "lifecycel" is not defined, ` +
				`while lifecycle is defined and not set`},
		"never set": {nil, []Property{picklist("a")}, []component.MappingFacts{mapping("component", "tier")},
			`component: tier - TEXT; team:; unset-property: property "a" is defined under sink.glean.properties and never set`},
	} {
		c := &Config{Properties: tc.shared}
		c.Datasource.ObjectDefinitions = []api.ObjectDefinition{{Name: "component", PropertyDefinitions: tc.own},
			{Name: "team"}}
		var w warned
		c.DefineProperties(tc.mappings, &w)
		var got []string
		for _, o := range c.Datasource.ObjectDefinitions {
			var all []string
			for _, p := range o.PropertyDefinitions {
				text := p.Name
				switch {
				case IsTrue(p.HideUIFacet):
					text += " -"
				case p.UIFacetOrder != 0:
					text += fmt.Sprintf(" %d", p.UIFacetOrder)
				}
				if p.PropertyType == api.PropertyText {
					text += " TEXT"
				}
				all = append(all, text)
			}
			got = append(got, strings.TrimSpace(o.Name+": "+strings.Join(all, ", ")))
		}
		if got := strings.Join(append(got, w.got...), "; "); got != tc.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, tc.want)
		}
		var problems []string
		validateDatasource(c.Datasource, func(field, _, message, _ string) {
			problems = append(problems, field+": "+message)
		})
		if len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestLabelOf(t *testing.T) {
	for name, want := range map[string]string{"onCall": "On call", "on_call": "On call", "tier": "Tier", "API": "API",
		"slo-target": "Slo target"} {
		if got := labelOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestValidateProperties: faults of a shared property are reported at their positions.
func TestValidateProperties(t *testing.T) {
	c := &Config{}
	c.Datasource.ObjectDefinitions = []api.ObjectDefinition{{Name: "api",
		PropertyGroups: []api.PropertyGroup{{Name: "g"}}},
		{Name: "team"}}
	c.Properties = []Property{
		{api.PropertyDefinition{Name: "a", UIFacetOrder: 1}, nil},
		{api.PropertyDefinition{Name: "a"}, []string{"api", "tea"}},
		{api.PropertyDefinition{Name: "b", Group: "g"}, []string{"api"}},
		{api.PropertyDefinition{Name: "c", Group: "g"}, nil},
	}
	var got []string
	c.validateProperties(func(field, _, _, _ string) { got = append(got, field) })
	want := "properties.0.uiFacetOrder properties.1.name properties.1.objectTypes.1 properties.3.group"
	if strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}
