package api

// DatasourceConfig is Glean's CustomDatasourceConfig. adddatasource replaces the whole
// config, and an absent member takes Glean's default: a nil pointer means that default, not
// false. The pipeline file uses the same spelling, and adds Testers, which is not a member
// in Glean.
type DatasourceConfig struct {
	Name                         string               `json:"name" yaml:"name" required:"true" doc:"The datasource's name in Glean's API."`
	DisplayName                  string               `json:"displayName,omitzero" yaml:"displayName" doc:"The displayed name; by default the name in title case."`
	DatasourceCategory           string               `json:"datasourceCategory,omitzero" yaml:"datasourceCategory" required:"true" enum:"TICKETS|CRM|PUBLISHED_CONTENT|COLLABORATIVE_CONTENT|QUESTION_ANSWER|MESSAGING|CODE_REPOSITORY|CHANGE_MANAGEMENT|PEOPLE|EMAIL|SSO|ATS|KNOWLEDGE_HUB|EXTERNAL_SHORTCUT|ENTITY|CALENDAR|AGENTS|AI_CONVERSATION|AI_ARTIFACT" doc:"The category of the datasource, a signal for ranking."`
	HomeURL                      string               `json:"homeUrl,omitzero" yaml:"homeUrl" doc:"The start page; by default the source's ui_url."`
	URLRegex                     string               `json:"urlRegex,omitzero" yaml:"urlRegex" doc:"A regular expression that every viewURL must match as a whole; by default everything below the source's ui_url."`
	IconURL                      string               `json:"iconUrl,omitzero" yaml:"iconUrl" file:"true" doc:"An icon: a public address, or ${file:PATH} of an SVG or PNG, which is sent as a data URL."`
	IconDarkURL                  string               `json:"iconDarkUrl,omitzero" yaml:"iconDarkUrl" file:"true" doc:"The icon for dark mode, like iconUrl."`
	SuggestionText               string               `json:"suggestionText,omitzero" yaml:"suggestionText" doc:"An example of a search."`
	ObjectDefinitions            []ObjectDefinition   `json:"objectDefinitions,omitempty" yaml:"objectDefinitions" doc:"The object types with their properties. A document of another type is rejected."`
	Quicklinks                   []Quicklink          `json:"quicklinks,omitempty" yaml:"quicklinks" doc:"Actions that Glean offers for the datasource."`
	Aliases                      []string             `json:"aliases,omitempty" yaml:"aliases" doc:"Other names for the app: operator."`
	HideBuiltInFacets            []string             `json:"hideBuiltInFacets,omitempty" yaml:"hideBuiltInFacets" doc:"Built-in facets not to show: TYPE, TAG, AUTHOR, OWNER."`
	CanonicalizingURLRegex       []CanonicalizingRule `json:"canonicalizingURLRegex,omitempty" yaml:"canonicalizingURLRegex" doc:"Rules for canonical addresses, in order."`
	CanonicalizingTitleRegex     []CanonicalizingRule `json:"canonicalizingTitleRegex,omitempty" yaml:"canonicalizingTitleRegex" doc:"Rules for canonical titles, in order."`
	RedlistTitleRegex            string               `json:"redlistTitleRegex,omitzero" yaml:"redlistTitleRegex" doc:"A regular expression of titles that are not indexed."`
	CrawlerSeedURLs              []string             `json:"crawlerSeedUrls,omitempty" yaml:"crawlerSeedUrls" doc:"Start addresses of a web crawl; not used by pushed datasources."`
	ConnectorType                string               `json:"connectorType,omitzero" yaml:"connectorType" enum:"API_CRAWL|BROWSER_CRAWL|BROWSER_HISTORY|BUILTIN|FEDERATED_SEARCH|PUSH_API|WEB_CRAWL|NATIVE_HISTORY" doc:"How Glean gets the content."`
	RenderConfigPreset           string               `json:"renderConfigPreset,omitzero" yaml:"renderConfigPreset" doc:"A well-known datasource whose results these resemble."`
	IdentityDatasourceName       string               `json:"identityDatasourceName,omitzero" yaml:"identityDatasourceName" doc:"The datasource whose users and groups are used instead of this one's."`
	ProductAccessGroup           string               `json:"productAccessGroup,omitzero" yaml:"productAccessGroup" doc:"The product access group of the datasource."`
	IsUserReferencedByEmail      *bool                `json:"isUserReferencedByEmail,omitzero" yaml:"isUserReferencedByEmail" doc:"Whether permissions and memberships name users by e-mail rather than by id."`
	IsEntityDatasource           *bool                `json:"isEntityDatasource,omitzero" yaml:"isEntityDatasource" doc:"Whether it holds entities, which need no viewURL."`
	IsTestDatasource             *bool                `json:"isTestDatasource,omitzero" yaml:"isTestDatasource" doc:"Whether its documents stay out of ranking signals; only testers see it until an administrator enables it."`
	Testers                      []string             `json:"-" yaml:"testers" doc:"E-mail addresses of the people who see a test datasource. Sent through betausers, since Glean's config has no such field."`
	IsOnPrem                     *bool                `json:"isOnPrem,omitzero" yaml:"isOnPrem" doc:"Whether the datasource is hosted on-premise."`
	IncludeUTMSource             *bool                `json:"includeUtmSource,omitzero" yaml:"includeUtmSource" doc:"Whether links carry a utm_source parameter."`
	TrustURLRegexForViewActivity *bool                `json:"trustUrlRegexForViewActivity,omitzero" yaml:"trustUrlRegexForViewActivity" doc:"Whether the addresses that the browser reports are reliable; Glean's default is true."`
	StripFragmentInCanonicalURL  *bool                `json:"stripFragmentInCanonicalUrl,omitzero" yaml:"stripFragmentInCanonicalUrl" doc:"Whether the part after # is left out of canonical addresses; Glean's default is true."`
}

// ObjectDefinition declares an objectType. Without a name it is the default for
// every objectType that no other definition names.
type ObjectDefinition struct {
	Name                string               `json:"name,omitzero" yaml:"name" doc:"The objectType; without a name this is the default for all others."`
	DisplayLabel        string               `json:"displayLabel,omitzero" yaml:"displayLabel" doc:"The displayed label."`
	DocCategory         string               `json:"docCategory,omitzero" yaml:"docCategory" enum:"UNCATEGORIZED|TICKETS|CRM|PUBLISHED_CONTENT|COLLABORATIVE_CONTENT|QUESTION_ANSWER|MESSAGING|CODE_REPOSITORY|CHANGE_MANAGEMENT|PEOPLE|EMAIL|SSO|ATS|KNOWLEDGE_HUB|EXTERNAL_SHORTCUT|ENTITY|CALENDAR|AGENTS|AI_CONVERSATION|AI_ARTIFACT" doc:"The category of these documents."`
	PropertyDefinitions []PropertyDefinition `json:"propertyDefinitions,omitempty" yaml:"propertyDefinitions" doc:"The custom properties of documents of this type."`
	PropertyGroups      []PropertyGroup      `json:"propertyGroups,omitempty" yaml:"propertyGroups" doc:"Groups in which properties are shown."`
	Summarizable        *bool                `json:"summarizable,omitzero" yaml:"summarizable" doc:"Whether Glean may summarize such documents."`
}

// PropertyDefinition declares a custom property of an objectType.
type PropertyDefinition struct {
	Name               string `json:"name" yaml:"name" required:"true" doc:"The property's name under customProperties."`
	DisplayLabel       string `json:"displayLabel,omitzero" yaml:"displayLabel" doc:"The displayed label."`
	DisplayLabelPlural string `json:"displayLabelPlural,omitzero" yaml:"displayLabelPlural" doc:"The displayed label in the plural."`
	PropertyType       string `json:"propertyType,omitzero" yaml:"propertyType" default:"TEXT" enum:"TEXT|DATE|INT|USERID|PICKLIST|TEXTLIST|MULTIPICKLIST" doc:"The type of its values. PICKLIST makes a facet; Glean does not support MULTIPICKLIST yet."`
	UIOptions          string `json:"uiOptions,omitzero" yaml:"uiOptions" enum:"NONE|SEARCH_RESULT|DOC_HOVERCARD" doc:"Where it is shown."`
	HideUIFacet        *bool  `json:"hideUiFacet,omitzero" yaml:"hideUiFacet" doc:"Whether it is left out of the facets."`
	UIFacetOrder       int    `json:"uiFacetOrder,omitzero" yaml:"uiFacetOrder" doc:"Its position among the facets, from 1. Either all facets of a type have one, or none."`
	SkipIndexing       *bool  `json:"skipIndexing,omitzero" yaml:"skipIndexing" doc:"Whether its value is left out of search."`
	Group              string `json:"group,omitzero" yaml:"group" doc:"The property group in which it is shown."`
}

// The property types.
const (
	PropertyText          = "TEXT"
	PropertyDate          = "DATE"
	PropertyInt           = "INT"
	PropertyUserID        = "USERID"
	PropertyPicklist      = "PICKLIST"
	PropertyTextList      = "TEXTLIST"
	PropertyMultiPicklist = "MULTIPICKLIST"
)

// OptionSearchResult shows a property in search results.
const OptionSearchResult = "SEARCH_RESULT"

// PropertyGroup groups properties for display.
type PropertyGroup struct {
	Name         string `json:"name" yaml:"name" required:"true" doc:"Its name in property definitions."`
	DisplayLabel string `json:"displayLabel,omitzero" yaml:"displayLabel" doc:"The displayed label."`
}

// Quicklink is an action that Glean offers for the datasource.
type Quicklink struct {
	ID         string      `json:"id,omitzero" yaml:"id" doc:"Its unique id."`
	Name       string      `json:"name,omitzero" yaml:"name" doc:"The full name of the action, for autocomplete."`
	ShortName  string      `json:"shortName,omitzero" yaml:"shortName" doc:"The short name, for app cards."`
	URL        string      `json:"url,omitzero" yaml:"url" doc:"Its address; relative to homeUrl if it begins with /."`
	IconConfig *IconConfig `json:"iconConfig,omitzero" yaml:"iconConfig" doc:"Its icon."`
	Scopes     []string    `json:"scopes,omitempty" yaml:"scopes" doc:"Where it is shown: APP_CARD, AUTOCOMPLETE_EXACT_MATCH, AUTOCOMPLETE_FUZZY_MATCH, AUTOCOMPLETE_ZERO_QUERY, NEW_TAB_PAGE."`
}

// IconConfig defines how an icon is drawn.
type IconConfig struct {
	IconType                    string `json:"iconType,omitzero" yaml:"iconType" enum:"COLLECTION|CUSTOM|DATASOURCE|DATASOURCE_INSTANCE|FAVICON|FILE_TYPE|GENERATED_BACKGROUND|GLYPH|MIME_TYPE|NO_ICON|PERSON|REACTIONS|URL" doc:"The kind of icon."`
	Name                        string `json:"name,omitzero" yaml:"name" doc:"The name of a glyph."`
	Key                         string `json:"key,omitzero" yaml:"key" doc:"The icon's key."`
	URL                         string `json:"url,omitzero" yaml:"url" doc:"The address of an image."`
	Color                       string `json:"color,omitzero" yaml:"color" doc:"Its colour."`
	BackgroundColor             string `json:"backgroundColor,omitzero" yaml:"backgroundColor" doc:"The background colour."`
	GeneratedBackgroundColorKey string `json:"generatedBackgroundColorKey,omitzero" yaml:"generatedBackgroundColorKey" doc:"The key of a generated colour."`
	Masked                      *bool  `json:"masked,omitzero" yaml:"masked" doc:"Whether it follows the theme."`
}

// CanonicalizingRule rewrites what MatchRegex matches.
type CanonicalizingRule struct {
	MatchRegex   string `json:"matchRegex" yaml:"matchRegex" required:"true" doc:"The regular expression to match."`
	RewriteRegex string `json:"rewriteRegex" yaml:"rewriteRegex" doc:"The replacement."`
}

// GetDatasourceConfigRequest requests a datasource's config.
type GetDatasourceConfigRequest struct {
	Datasource string `json:"datasource"`
}
