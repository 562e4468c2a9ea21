package settings

import (
	"strings"
	"testing"
)

const goodDatasource = `instance: acme
token: t0ken-of-the-test
datasource:
  name: backstage
  datasourceCategory: KNOWLEDGE_HUB
  hideBuiltInFacets: [TAG]
  objectDefinitions:
    - name: component
      propertyGroups:
        - name: people
        - name: places
      propertyDefinitions:
        - name: type
          propertyType: PICKLIST
          uiFacetOrder: 1
          group: people
        - name: owner
          uiFacetOrder: 2
        - name: ref
          hideUiFacet: true
        - name: stars
          propertyType: INT
    - displayLabel: Everything else
  quicklinks:
    - name: Create
      url: /create
      scopes: [APP_CARD]
    - name: Browse
      url: /catalog
`

// TestDatasourceRules: definitions that Glean refuses are reported at their positions in the
// file.
func TestDatasourceRules(t *testing.T) {
	if _, problems := decode(t, goodDatasource, "https://portal.example"); len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, tc := range map[string]struct{ old, new, want string }{
		"type with a space": {"name: component", "name: a component",
			`test.yaml:8:13: glean: "a component" is not a valid object type`},
		"type with an _": {"name: component", "name: a_component",
			`test.yaml:8:13: glean: "a_component" is not a valid object type`},
		"type twice": {"displayLabel: Everything else", "name: component", "test.yaml:23:13: glean: object " +
			"type component is defined twice"},
		"default type twice": {"name: component", "displayLabel: x", "test.yaml:23:7: glean: the default object type " +
			"is defined twice"},
		"property twice": {"name: owner", "name: type", `test.yaml:17:17: glean: object type component: property "type" is defined twice`},
		"property of no name": {"- name: owner\n          uiFacetOrder", "- uiFacetOrder",
			`test.yaml:17:11: required: "name" is required`},
		"property's type": {"PICKLIST", "BOOLEAN", "test.yaml:14:25: not-allowed"},
		"property's group": {"group: people", "group: things",
			`test.yaml:16:18: glean: object type component: property "type" is in a group that is not among the propertyGroups`},
		"group twice": {"name: places", "name: people", `test.yaml:11:17: glean: object type component: the property group "people" is defined twice`},
		"one facet lacks it": {"          uiFacetOrder: 2\n", "", "test.yaml:17:17: glean: object type component: 1 of " +
			"its 2 facets have a uiFacetOrder, and owner has none"},
		"order beyond": {"uiFacetOrder: 2", "uiFacetOrder: 3", "test.yaml:18:25: glean: object type component: " +
			"the uiFacetOrder of owner is not between 1 and 2"},
		"order below": {"uiFacetOrder: 1", "uiFacetOrder: -1", "test.yaml:15:25: glean: object type component: " +
			"the uiFacetOrder of type is not between 1 and 2"},
		"order twice": {"uiFacetOrder: 2", "uiFacetOrder: 1", "test.yaml:18:25: glean: object type component: " +
			"type and owner have the same uiFacetOrder"},
		"order is text":  {"uiFacetOrder: 2", "uiFacetOrder: second", "test.yaml:18:25: invalid-value"},
		"built-in facet": {"[TAG]", "[TAG, CONTAINER]", "test.yaml:6:28: glean: not one of the allowed values"},
		"scope":          {"[APP_CARD]", "[APP]", "test.yaml:27:16: glean: not one of the allowed values"},
		"quick link twice": {"name: Browse", "name: Create", `test.yaml:28:13: glean: the quick link ` +
			`"Create" is listed twice`},
		"quick link of no name": {"- name: Browse\n      url", "- url", "test.yaml:28:7: glean: a quick link " +
			"needs a name"},
		"quick link to nowhere": {"\n      url: /catalog", "", "test.yaml:28:7: glean: a quick link needs a url"},
		"lends to itself": {"  hideBuiltInFacets", "  identityDatasourceName: Backstage\n  hideBuiltInFacets",
			"test.yaml:6:27: glean: identityDatasourceName must name another datasource"},
		"testers of none": {"  hideBuiltInFacets", "  testers: [ann@example.com]\n  hideBuiltInFacets",
			"test.yaml:6:3: glean: testers " +
				"need a test datasource"},
		"a tester": {"  hideBuiltInFacets", "  isTestDatasource: true\n  testers: [ann@example.com, ann]\n  " +
			"hideBuiltInFacets", "test.yaml:7:30: glean: a tester must be an e-mail address"},
		"icon": {"  hideBuiltInFacets", "  iconUrl: icon.svg\n  hideBuiltInFacets", "test.yaml:6:12: glean: " +
			"neither an address nor a file"},
		"dark icon": {"  hideBuiltInFacets", "  iconDarkUrl: ${file:none.svg}\n  hideBuiltInFacets", "test.yaml:6:16: " +
			"glean: the icon's file does not exist"},
		"no file": {"  hideBuiltInFacets", "  iconUrl: ${file:.}\n  hideBuiltInFacets", "test.yaml:6:12: " +
			"glean: the icon's file is not a regular file"},
	} {
		text := strings.Replace(goodDatasource, tc.old, tc.new, 1)
		if text == goodDatasource {
			t.Fatalf("%s: nothing was changed", name)
		}
		_, problems := decode(t, text, "https://portal.example")
		if len(problems) != 1 || !strings.HasPrefix(problems.Error(), tc.want) {
			t.Errorf("%s: %v\nwant %s", name, problems, tc.want)
		}
	}
}
