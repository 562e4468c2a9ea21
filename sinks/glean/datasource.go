package glean

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Category is a datasourceCategory that Glean takes.
type Category struct{ Name, Doc string }

// Categories are all that there are; UNCATEGORIZED, which Glean has too, cannot
// be a datasource's.
func Categories() []Category {
	return []Category{
		{"KNOWLEDGE_HUB", "what an organisation knows about itself, such as a software catalog; results show owner and container"},
		{"PUBLISHED_CONTENT", "articles that few write and many read; results show author and container"},
		{"COLLABORATIVE_CONTENT", "documents that people write together"},
		{"QUESTION_ANSWER", "questions with their answers"},
		{"TICKETS", "issues and support cases"},
		{"CRM", "customers and deals"},
		{"MESSAGING", "conversations"},
		{"EMAIL", "mail"},
		{"CALENDAR", "events"},
		{"CODE_REPOSITORY", "source code"},
		{"CHANGE_MANAGEMENT", "changes with their reviews"},
		{"PEOPLE", "persons"},
		{"ATS", "applicants and jobs"},
		{"ENTITY", "entities of your own; goes with isEntityDatasource: true"},
		{"EXTERNAL_SHORTCUT", "short links"},
		{"SSO", "apps behind a single sign-on"},
		{"AGENTS", "agents"},
		{"AI_CONVERSATION", "conversations with an assistant"},
		{"AI_ARTIFACT", "what an assistant has made"},
	}
}

var (
	quicklinkScopes = []string{"APP_CARD", "AUTOCOMPLETE_EXACT_MATCH", "AUTOCOMPLETE_FUZZY_MATCH", "AUTOCOMPLETE_ZERO_QUERY", "NEW_TAB_PAGE"}
	builtInFacets   = []string{"TYPE", "TAG", "AUTHOR", "OWNER"}
)

// check is the work of checking a datasource block; report takes a path below
// the sink's settings.
type check struct {
	report func(field, code, message, hint string)
}

func (c check) problem(message, hint, format string, args ...any) {
	c.report("datasource."+fmt.Sprintf(format, args...), codeGlean, message, hint)
}

// validateDatasource holds a block against Glean's rules.
func validateDatasource(d api.DatasourceConfig, report func(field, code, message, hint string)) {
	c := check{report}
	if d.Name != "" && !datasourceName.MatchString(d.Name) {
		c.problem("this cannot be a datasource's name", "use letters, digits, - and _, beginning with a letter", "name")
	}
	if _, err := compileURLRegex(d.URLRegex); err != nil {
		c.problem("this is not a regular expression that can be checked", "", "urlRegex")
	}
	for field, text := range map[string]string{"iconUrl": d.IconURL, "iconDarkUrl": d.IconDarkURL} {
		var bad *badIcon
		if _, err := icon(text); errors.As(err, &bad) {
			c.problem(bad.message, bad.hint, "%s", field)
		}
	}
	if d.IdentityDatasourceName != "" && strings.EqualFold(d.IdentityDatasourceName, d.Name) {
		c.problem("a datasource that lends identities is another one", "leave identityDatasourceName out: its own users and groups count then", "identityDatasourceName")
	}
	for i, t := range d.Testers {
		if at := strings.IndexByte(t, '@'); at < 1 || at == len(t)-1 || strings.ContainsAny(t, " ,;<>") {
			c.problem("a tester is an e-mail address", "write one address in each item of the list", "testers.%d", i)
		}
	}
	if len(d.Testers) > 0 && !isTrue(d.IsTestDatasource) {
		c.problem("testers are those of a test datasource, and this is none", "add isTestDatasource: true, or remove testers", "testers")
	}
	c.words(d.HideBuiltInFacets, builtInFacets, "hideBuiltInFacets")
	c.quicklinks(d.Quicklinks)
	c.objects(d.ObjectDefinitions)
}

// words checks a list of words that Glean knows.
func (c check) words(given, known []string, field string) {
	for i, w := range given {
		if !slices.Contains(known, w) {
			c.problem("this is not one of the allowed values", "write one of: "+strings.Join(known, ", "), "%s.%d", field, i)
		}
	}
}

func (c check) quicklinks(links []api.Quicklink) {
	seen := map[string]bool{}
	for i, q := range links {
		at := fmt.Sprintf("quicklinks.%d", i)
		switch {
		case q.Name == "":
			c.problem("a quick link has a name, by which it is told apart", "add name: …", "%s", at)
		case seen[q.Name]:
			c.problem(fmt.Sprintf("the quick link %q is there twice", q.Name), "remove one of the two", "%s.name", at)
		}
		seen[q.Name] = true
		if q.URL == "" {
			c.problem("a quick link leads somewhere", "add url: …, an address or a path below homeUrl", "%s", at)
		}
		c.words(q.Scopes, quicklinkScopes, at+".scopes")
	}
}

func (c check) objects(objects []api.ObjectDefinition) {
	seen := map[string]bool{}
	for i, o := range objects {
		at := fmt.Sprintf("objectDefinitions.%d", i)
		switch {
		case seen[o.Name]:
			c.problem(label(o.Name)+" is defined twice", "remove one of the two", "%s.name datasource.%s", at, at)
		case !wellFormed(o.Name):
			c.problem(fmt.Sprintf("%q cannot be an object type", o.Name), "Glean allows neither spaces nor _ in it", "%s.name", at)
		}
		seen[o.Name] = true
		groups := map[string]bool{}
		for j, g := range o.PropertyGroups {
			if groups[g.Name] {
				c.problem(fmt.Sprintf("%s: the property group %q is defined twice", label(o.Name), g.Name), "remove one of the two", "%s.propertyGroups.%d.name", at, j)
			}
			groups[g.Name] = true
		}
		properties := map[string]bool{}
		for j, p := range o.PropertyDefinitions {
			if properties[p.Name] {
				c.problem(fmt.Sprintf("%s: property %q is defined twice", label(o.Name), p.Name), "remove one of the two", "%s.propertyDefinitions.%d.name", at, j)
			}
			properties[p.Name] = true
			if p.Group != "" && !groups[p.Group] {
				c.problem(fmt.Sprintf("%s: property %q is in a group that is not among the propertyGroups", label(o.Name), p.Name), "add the group there, or leave group out", "%s.propertyDefinitions.%d.group", at, j)
			}
		}
		c.facets(at, o)
	}
}

// facets checks the order of the facets of an object type: from 1 to their
// number, or none of them has one. An INT makes no facet.
func (c check) facets(at string, o api.ObjectDefinition) {
	var facets []int // the places of the properties
	ordered := 0
	for i, p := range o.PropertyDefinitions {
		if isTrue(p.HideUIFacet) || p.PropertyType == api.PropertyInt && p.UIFacetOrder == 0 {
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
			c.problem(fmt.Sprintf("%s: %d of its %d facets have a uiFacetOrder, and %s has none", label(o.Name), ordered, len(facets), p.Name), "give all of them one, or hide the others with hideUiFacet: true", "%[1]s.propertyDefinitions.%[2]d.uiFacetOrder datasource.%[1]s.propertyDefinitions.%[2]d.name", at, i)
			return
		case p.UIFacetOrder < 1 || p.UIFacetOrder > len(facets):
			c.problem(fmt.Sprintf("%s: the uiFacetOrder of %s is not between 1 and %d, the number of its facets", label(o.Name), p.Name, len(facets)), "number the facets that are not hidden from 1, without gaps", "%s.propertyDefinitions.%d.uiFacetOrder", at, i)
		case taken[p.UIFacetOrder] != "":
			c.problem(fmt.Sprintf("%s: %s and %s have the same uiFacetOrder", label(o.Name), taken[p.UIFacetOrder], p.Name), "number the facets that are not hidden from 1, without gaps", "%s.propertyDefinitions.%d.uiFacetOrder", at, i)
		}
		taken[p.UIFacetOrder] = p.Name
	}
}
