package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

var (
	quicklinkScopes = []string{"APP_CARD", "AUTOCOMPLETE_EXACT_MATCH", "AUTOCOMPLETE_FUZZY_MATCH",
		"AUTOCOMPLETE_ZERO_QUERY", "NEW_TAB_PAGE"}
	builtInFacets = []string{"TYPE", "TAG", "AUTHOR", "OWNER"}
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
		c.problem("not a valid datasource name", "use letters, digits, - and _, beginning with a letter", "name")
	}
	if _, err := compileURLRegex(d.URLRegex); err != nil {
		c.problem("not a regular expression", "", "urlRegex")
	}
	for field, text := range map[string]string{"iconUrl": d.IconURL, "iconDarkUrl": d.IconDarkURL} {
		var bad *badIcon
		if _, err := Icon(text); errors.As(err, &bad) {
			c.problem(bad.message, bad.hint, "%s", field)
		}
	}
	if d.IdentityDatasourceName != "" && strings.EqualFold(d.IdentityDatasourceName, d.Name) {
		c.problem("identityDatasourceName must name another datasource",
			"remove identityDatasourceName: the datasource then uses its own users and groups",
			"identityDatasourceName")
	}
	for i, t := range d.Testers {
		if at := strings.IndexByte(t, '@'); at < 1 || at == len(t)-1 || strings.ContainsAny(t, " ,;<>") {
			c.problem("a tester must be an e-mail address",
				"write one address in each item of the list", "testers.%d", i)
		}
	}
	if len(d.Testers) > 0 && !IsTrue(d.IsTestDatasource) {
		c.problem("testers need a test datasource",
			"add isTestDatasource: true, or remove testers", "testers")
	}
	c.words(d.HideBuiltInFacets, builtInFacets, "hideBuiltInFacets")
	c.quicklinks(d.Quicklinks)
	c.objects(d.ObjectDefinitions)
}

// words checks words against a list of known ones.
func (c check) words(given, known []string, field string) {
	for i, w := range given {
		if !slices.Contains(known, w) {
			c.problem("not one of the allowed values", "write one of: "+strings.Join(known, ", "), "%s.%d", field, i)
		}
	}
}

func (c check) quicklinks(links []api.Quicklink) {
	seen := map[string]bool{}
	for i, q := range links {
		at := fmt.Sprintf("quicklinks.%d", i)
		switch {
		case q.Name == "":
			c.problem("a quick link needs a name", "add name: …", "%s", at)
		case seen[q.Name]:
			c.problem(fmt.Sprintf("the quick link %q is listed twice",
				q.Name), "remove one of the two", "%s.name", at)
		}
		seen[q.Name] = true
		if q.URL == "" {
			c.problem("a quick link needs a url", "add url: …, an address or a path below homeUrl", "%s", at)
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
			c.problem(Label(o.Name)+" is defined twice", "remove one of the two", "%s.name datasource.%s", at, at)
		case !WellFormed(o.Name):
			c.problem(fmt.Sprintf("%q is not a valid object type",
				o.Name), "Glean allows neither spaces nor _ in it", "%s.name",
				at)
		}
		seen[o.Name] = true
		groups := map[string]bool{}
		for j, g := range o.PropertyGroups {
			if groups[g.Name] {
				c.problem(fmt.Sprintf("%s: the property group %q is defined twice", Label(o.Name), g.Name),
					"remove one of the two", "%s.propertyGroups.%d.name", at, j)
			}
			groups[g.Name] = true
		}
		properties := map[string]bool{}
		for j, p := range o.PropertyDefinitions {
			if properties[p.Name] {
				c.problem(fmt.Sprintf("%s: property %q is defined twice", Label(o.Name), p.Name), "remove one of the two",
					"%s.propertyDefinitions.%d.name", at, j)
			}
			properties[p.Name] = true
			if p.Group != "" && !groups[p.Group] {
				c.problem(fmt.Sprintf("%s: property %q is in a group that is not among the propertyGroups", Label(o.Name),
					p.Name), "add the group there, or leave group out", "%s.propertyDefinitions.%d.group", at, j)
			}
		}
		c.facets(at, o)
	}
}
