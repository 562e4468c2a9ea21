package settings

import (
	"fmt"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// facets checks the order of the facets of an object type: all are numbered from 1 to their
// number, or none is. An INT is not a facet.
func (c check) facets(at string, o api.ObjectDefinition) {
	var facets []int // the places of the properties
	ordered := 0
	for i, p := range o.PropertyDefinitions {
		if IsTrue(p.HideUIFacet) || p.PropertyType == api.PropertyInt && p.UIFacetOrder == 0 {
			continue
		}
		facets = append(facets, i)
		if p.UIFacetOrder != 0 {
			ordered++
		}
	}
	if ordered == 0 {
		return
	}
	taken := map[int]string{}
	for _, i := range facets {
		p := o.PropertyDefinitions[i]
		switch {
		case p.UIFacetOrder == 0:
			c.problem(fmt.Sprintf("%s: %d of its %d facets have a uiFacetOrder, and %s has none", Label(o.Name), ordered,
				len(facets), p.Name), "give all of them one, or hide the others with hideUiFacet: true",
				"%[1]s.propertyDefinitions.%[2]d.uiFacetOrder datasource.%[1]s.propertyDefinitions.%[2]d.name", at, i)
			return
		case p.UIFacetOrder < 1 || p.UIFacetOrder > len(facets):
			c.problem(fmt.Sprintf("%s: the uiFacetOrder of %s is not between 1 and %d, the number of its facets",
				Label(o.Name), p.Name, len(facets)), "number the facets that are not hidden from 1, without gaps",
				"%s.propertyDefinitions.%d.uiFacetOrder", at, i)
		case taken[p.UIFacetOrder] != "":
			c.problem(fmt.Sprintf("%s: %s and %s have the same uiFacetOrder", Label(o.Name), taken[p.UIFacetOrder], p.Name),
				"number the facets that are not hidden from 1, without gaps", "%s.propertyDefinitions.%d.uiFacetOrder", at, i)
		}
		taken[p.UIFacetOrder] = p.Name
	}
}
