package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// schema is a datasource's config, ready to judge documents. It is never
// changed; a new config is a new schema.
type schema struct {
	config  api.DatasourceConfig
	urls    *regexp.Regexp               // nil in an entity datasource without urlRegex
	types   map[string]map[string]string // property types by object type; "" is the default definition
	byEmail bool                         // users are referenced by e-mail
	entity  bool
	anyCase bool // of names of groups
}

var (
	name       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
	categories = []string{
		"TICKETS", "CRM", "PUBLISHED_CONTENT", "COLLABORATIVE_CONTENT", "QUESTION_ANSWER", "MESSAGING", "CODE_REPOSITORY",
		"CHANGE_MANAGEMENT", "PEOPLE", "EMAIL", "SSO", "ATS", "KNOWLEDGE_HUB", "EXTERNAL_SHORTCUT", "ENTITY", "CALENDAR",
		"AGENTS", "AI_CONVERSATION", "AI_ARTIFACT",
	}
	properties = []string{
		api.PropertyText, api.PropertyDate, api.PropertyInt, api.PropertyUserID, api.PropertyPicklist,
		api.PropertyTextList, api.PropertyMultiPicklist,
	}
)

var iconShape = shape{
	"iconType": oneOf("COLLECTION", "CUSTOM", "DATASOURCE", "DATASOURCE_INSTANCE", "FAVICON", "FILE_TYPE",
		"GENERATED_BACKGROUND", "GLYPH", "MIME_TYPE", "NO_ICON", "PERSON", "REACTIONS", "URL"),
	"name": text, "key": text, "url": text, "color": text, "backgroundColor": text,
	"generatedBackgroundColorKey": text, "masked": boolean,
}

var quicklinkShape = shape{
	"id": text, "name": text, "shortName": text, "url": text, "iconConfig": iconShape.check,
	"scopes": listOf(oneOf("APP_CARD", "AUTOCOMPLETE_EXACT_MATCH", "AUTOCOMPLETE_FUZZY_MATCH", "AUTOCOMPLETE_ZERO_QUERY",
		"NEW_TAB_PAGE")),
}

var propertyShape = shape{
	"name": text, "displayLabel": text, "displayLabelPlural": text, "propertyType": oneOf(properties...),
	"uiOptions": oneOf("NONE", "SEARCH_RESULT", "DOC_HOVERCARD"), "hideUiFacet": boolean, "uiFacetOrder": integer,
	"skipIndexing": boolean, "group": text,
}

var objectShape = shape{
	"name": text, "displayLabel": text, "docCategory": oneOf(append([]string{"UNCATEGORIZED"}, categories...)...),
	"propertyDefinitions": listOf(propertyShape.check), "summarizable": boolean,
	"propertyGroups": listOf(shape{"name": text, "displayLabel": text}.check),
}

var rewriteShape = shape{"matchRegex": text, "rewriteRegex": text}

var configShape = shape{
	"name": text, "displayName": text, "datasourceCategory": oneOf(categories...), "homeUrl": text, "urlRegex": text,
	"iconUrl": text, "iconDarkUrl": text, "suggestionText": text, "objectDefinitions": listOf(objectShape.check),
	"quicklinks": listOf(quicklinkShape.check), "aliases": listOf(text),
	"hideBuiltInFacets":      listOf(oneOf("TYPE", "TAG", "AUTHOR", "OWNER")),
	"canonicalizingURLRegex": listOf(rewriteShape.check), "canonicalizingTitleRegex": listOf(rewriteShape.check),
	"redlistTitleRegex": text, "crawlerSeedUrls": listOf(text), "renderConfigPreset": text, "identityDatasourceName": text,
	"productAccessGroup": text, "isUserReferencedByEmail": boolean, "isEntityDatasource": boolean,
	"isTestDatasource": boolean, "isOnPrem": boolean, "includeUtmSource": boolean,
	"trustUrlRegexForViewActivity": boolean, "stripFragmentInCanonicalUrl": boolean,
	"connectorType": oneOf("API_CRAWL", "BROWSER_CRAWL", "BROWSER_HISTORY", "BUILTIN", "FEDERATED_SEARCH", "PUSH_API",
		"WEB_CRAWL", "NATIVE_HISTORY"),
}

func parseConfig(body []byte) (api.DatasourceConfig, error) {
	var c api.DatasourceConfig
	if err := configShape.check(body); err != nil {
		return c, err
	}
	return c, codec.Unmarshal(body, &c)
}

// compile checks a config and makes its schema.
func compile(c api.DatasourceConfig, r Rules) (*schema, error) {
	s := &schema{config: c, anyCase: r.GroupsIgnoreCase, types: map[string]map[string]string{},
		byEmail: isTrue(c.IsUserReferencedByEmail), entity: isTrue(c.IsEntityDatasource)}
	switch {
	case !name.MatchString(c.Name):
		return nil, fmt.Errorf("name: must be letters, digits, - and _, beginning with a letter")
	case !slices.Contains(categories, c.DatasourceCategory):
		return nil, fmt.Errorf("datasourceCategory: must be specified and not UNCATEGORIZED")
	case c.URLRegex == "" && !s.entity:
		return nil, fmt.Errorf("urlRegex: is required")
	}
	if c.URLRegex != "" {
		re, err := regexp.Compile("^(?:" + c.URLRegex + ")$")
		if err != nil {
			return nil, fmt.Errorf("urlRegex: %w", err)
		}
		s.urls = re
	}
	for _, o := range c.ObjectDefinitions {
		if strings.ContainsAny(o.Name, " _") {
			return nil, fmt.Errorf("objectDefinitions: name %q: cannot have spaces or _", o.Name)
		}
		if s.types[o.Name] != nil {
			return nil, fmt.Errorf("objectDefinitions: name %q: is listed twice", o.Name)
		}
		types := map[string]string{}
		for _, p := range o.PropertyDefinitions {
			if _, twice := types[p.Name]; twice || p.Name == "" {
				return nil, fmt.Errorf("objectDefinitions: %s: property name %q: is empty or there twice", o.Name, p.Name)
			}
			types[p.Name] = p.PropertyType
		}
		if err := facets(o); err != nil {
			return nil, fmt.Errorf("objectDefinitions: %s: %w", o.Name, err)
		}
		s.types[o.Name] = types
	}
	return s, nil
}

// facets checks that the facets of an object type are numbered from 1 to their number, or
// not at all, and that the groups of properties exist.
func facets(o api.ObjectDefinition) error {
	orders, shown := map[int]bool{}, 0
	for _, p := range o.PropertyDefinitions {
		if !slices.ContainsFunc(o.PropertyGroups, func(g api.PropertyGroup) bool { return g.Name == p.Group }) &&
			p.Group != "" {
			return fmt.Errorf("%s: group: %q is not in the propertyGroups", p.Name, p.Group)
		}
		if isTrue(p.HideUIFacet) {
			continue
		}
		shown++
		if p.UIFacetOrder != 0 {
			orders[p.UIFacetOrder] = true
		}
	}
	for n := 1; len(orders) > 0 && n <= shown; n++ {
		if !orders[n] {
			return fmt.Errorf("uiFacetOrder: must be 1 to %d, each once, for all facets that are not hidden", shown)
		}
	}
	return nil
}

// properties are the types of the custom properties of an object type; declared
// is false when no definition covers it.
func (s *schema) properties(objectType string) (types map[string]string, declared bool) {
	if types, declared = s.types[objectType]; !declared {
		types, declared = s.types[""]
	}
	return types, declared && objectType != ""
}

func isTrue(b *bool) bool { return b != nil && *b }
