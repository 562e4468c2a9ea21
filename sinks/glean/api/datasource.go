package api

// DatasourceConfig is Glean's CustomDatasourceConfig. adddatasource replaces the whole
// config, and an absent member takes Glean's default: a nil pointer means that default, not
// false. The pipeline file uses the same spelling, and adds Testers, which is not a member
// in Glean.
type DatasourceConfig struct {
	Name                         string               `json:"name" yaml:"name" required:"true" doc:"The datasource's name in Glean's API."`
	DisplayName                  string               `json:"displayName,omitzero" yaml:"displayName" doc:"What people see; the name in title case when left out."`
	DatasourceCategory           string               `json:"datasourceCategory,omitzero" yaml:"datasourceCategory" required:"true" enum:"TICKETS|CRM|PUBLISHED_CONTENT|COLLABORATIVE_CONTENT|QUESTION_ANSWER|MESSAGING|CODE_REPOSITORY|CHANGE_MANAGEMENT|PEOPLE|EMAIL|SSO|ATS|KNOWLEDGE_HUB|EXTERNAL_SHORTCUT|ENTITY|CALENDAR|AGENTS|AI_CONVERSATION|AI_ARTIFACT" doc:"What kind of datasource it is, a signal for ranking."`
	HomeURL                      string               `json:"homeUrl,omitzero" yaml:"homeUrl" doc:"Where people start; the source's ui_url when left out."`
	URLRegex                     string               `json:"urlRegex,omitzero" yaml:"urlRegex" doc:"What every viewURL matches as a whole; everything below the source's ui_url when left out."`
	IconURL                      string               `json:"iconUrl,omitzero" yaml:"iconUrl" file:"true" doc:"An icon: a public address, or ${file:PATH} of an SVG or PNG, which is sent as a data URL."`
	IconDarkURL                  string               `json:"iconDarkUrl,omitzero" yaml:"iconDarkUrl" file:"true" doc:"The icon for dark mode, likewise."`
	SuggestionText               string               `json:"suggestionText,omitzero" yaml:"suggestionText" doc:"An example of what to search for."`
	ObjectDefinitions            []ObjectDefinition   `json:"objectDefinitions,omitempty" yaml:"objectDefinitions" doc:"The object types with their properties; a document of another type is refused."`
	Quicklinks                   []Quicklink          `json:"quicklinks,omitempty" yaml:"quicklinks" doc:"Actions that Glean offers for the datasource."`
	Aliases                      []string             `json:"aliases,omitempty" yaml:"aliases" doc:"Other names for the app: operator."`
	HideBuiltInFacets            []string             `json:"hideBuiltInFacets,omitempty" yaml:"hideBuiltInFacets" doc:"Built-in facets not to show: TYPE, TAG, AUTHOR, OWNER."`
	CanonicalizingURLRegex       []CanonicalizingRule `json:"canonicalizingURLRegex,omitempty" yaml:"canonicalizingURLRegex" doc:"How addresses are made canonical, in order."`
	CanonicalizingTitleRegex     []CanonicalizingRule `json:"canonicalizingTitleRegex,omitempty" yaml:"canonicalizingTitleRegex" doc:"How titles are made canonical, in order."`
	RedlistTitleRegex            string               `json:"redlistTitleRegex,omitzero" yaml:"redlistTitleRegex" doc:"Titles that are not indexed."`
	CrawlerSeedURLs              []string             `json:"crawlerSeedUrls,omitempty" yaml:"crawlerSeedUrls" doc:"Where a web crawl starts; of no use to pushed datasources."`
	ConnectorType                string               `json:"connectorType,omitzero" yaml:"connectorType" enum:"API_CRAWL|BROWSER_CRAWL|BROWSER_HISTORY|BUILTIN|FEDERATED_SEARCH|PUSH_API|WEB_CRAWL|NATIVE_HISTORY" doc:"How the content comes to Glean."`
	RenderConfigPreset           string               `json:"renderConfigPreset,omitzero" yaml:"renderConfigPreset" doc:"A well-known datasource that results are to look like."`
	IdentityDatasourceName       string               `json:"identityDatasourceName,omitzero" yaml:"identityDatasourceName" doc:"The datasource whose users and groups count instead of this one's."`
	ProductAccessGroup           string               `json:"productAccessGroup,omitzero" yaml:"productAccessGroup" doc:"The group that gates the datasource."`
	IsUserReferencedByEmail      *bool                `json:"isUserReferencedByEmail,omitzero" yaml:"isUserReferencedByEmail" doc:"Whether permissions and memberships name users by e-mail rather than by id."`
	IsEntityDatasource           *bool                `json:"isEntityDatasource,omitzero" yaml:"isEntityDatasource" doc:"Whether it holds entities, which need no viewURL."`
	IsTestDatasource             *bool                `json:"isTestDatasource,omitzero" yaml:"isTestDatasource" doc:"Whether its documents stay out of ranking signals; only testers see it until an administrator enables it."`
	Testers                      []string             `json:"-" yaml:"testers" doc:"E-mails of the people who see a test datasource; sent through betausers, as Glean's config has no such field."`
	IsOnPrem                     *bool                `json:"isOnPrem,omitzero" yaml:"isOnPrem" doc:"Whether the datasource is hosted on-premise."`
	IncludeUTMSource             *bool                `json:"includeUtmSource,omitzero" yaml:"includeUtmSource" doc:"Whether links carry a utm_source parameter."`
	TrustURLRegexForViewActivity *bool                `json:"trustUrlRegexForViewActivity,omitzero" yaml:"trustUrlRegexForViewActivity" doc:"Whether the browser reports right addresses; Glean's default is true."`
	StripFragmentInCanonicalURL  *bool                `json:"stripFragmentInCanonicalUrl,omitzero" yaml:"stripFragmentInCanonicalUrl" doc:"Whether the part after # is left out of canonical addresses; Glean's default is true."`
}

// ObjectDefinition declares an objectType. Without a name it is the default for
// every objectType that no other definition names.
type ObjectDefinition struct {
	Name                string               `json:"name,omitzero" yaml:"name" doc:"The objectType; without one it is the default for all others."`
	DisplayLabel        string               `json:"displayLabel,omitzero" yaml:"displayLabel" doc:"What people see."`
	DocCategory         string               `json:"docCategory,omitzero" yaml:"docCategory" enum:"UNCATEGORIZED|TICKETS|CRM|PUBLISHED_CONTENT|COLLABORATIVE_CONTENT|QUESTION_ANSWER|MESSAGING|CODE_REPOSITORY|CHANGE_MANAGEMENT|PEOPLE|EMAIL|SSO|ATS|KNOWLEDGE_HUB|EXTERNAL_SHORTCUT|ENTITY|CALENDAR|AGENTS|AI_CONVERSATION|AI_ARTIFACT" doc:"What kind of documents these are."`
	PropertyDefinitions []PropertyDefinition `json:"propertyDefinitions,omitempty" yaml:"propertyDefinitions" doc:"The custom properties that documents of this type may have."`
	PropertyGroups      []PropertyGroup      `json:"propertyGroups,omitempty" yaml:"propertyGroups" doc:"Groups in which properties are shown."`
	Summarizable        *bool                `json:"summarizable,omitzero" yaml:"summarizable" doc:"Whether Glean may summarize such documents."`
}

// PropertyDefinition declares a custom property of an objectType.
type PropertyDefinition struct {
	Name               string `json:"name" yaml:"name" required:"true" doc:"The property's name under customProperties."`
	DisplayLabel       string `json:"displayLabel,omitzero" yaml:"displayLabel" doc:"What people see."`
	DisplayLabelPlural string `json:"displayLabelPlural,omitzero" yaml:"displayLabelPlural" doc:"The same in the plural."`
	PropertyType       string `json:"propertyType,omitzero" yaml:"propertyType" default:"TEXT" enum:"TEXT|DATE|INT|USERID|PICKLIST|TEXTLIST|MULTIPICKLIST" doc:"What it holds, and whether it makes a facet."`
	UIOptions          string `json:"uiOptions,omitzero" yaml:"uiOptions" enum:"NONE|SEARCH_RESULT|DOC_HOVERCARD" doc:"Where it is shown."`
	HideUIFacet        *bool  `json:"hideUiFacet,omitzero" yaml:"hideUiFacet" doc:"Whether it is left out of the facets."`
	UIFacetOrder       int    `json:"uiFacetOrder,omitzero" yaml:"uiFacetOrder" doc:"Its place among the facets, from 1; all facets of a type have one, or none has."`
	SkipIndexing       *bool  `json:"skipIndexing,omitzero" yaml:"skipIndexing" doc:"Whether its value is left out of search."`
	Group              string `json:"group,omitzero" yaml:"group" doc:"The property group that it is shown in."`
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

// PropertyGroup groups properties for display.
type PropertyGroup struct {
	Name         string `json:"name" yaml:"name" required:"true" doc:"What property definitions call it."`
	DisplayLabel string `json:"displayLabel,omitzero" yaml:"displayLabel" doc:"What people see."`
}

// Quicklink is an action that Glean offers for the datasource.
type Quicklink struct {
	ID         string      `json:"id,omitzero" yaml:"id" doc:"What identifies it."`
	Name       string      `json:"name,omitzero" yaml:"name" doc:"The whole name of the action, for autocomplete."`
	ShortName  string      `json:"shortName,omitzero" yaml:"shortName" doc:"The short name, for app cards."`
	URL        string      `json:"url,omitzero" yaml:"url" doc:"Where it leads; below homeUrl when it begins with /."`
	IconConfig *IconConfig `json:"iconConfig,omitzero" yaml:"iconConfig" doc:"Its icon."`
	Scopes     []string    `json:"scopes,omitempty" yaml:"scopes" doc:"Where it is shown: APP_CARD, AUTOCOMPLETE_EXACT_MATCH, AUTOCOMPLETE_FUZZY_MATCH, AUTOCOMPLETE_ZERO_QUERY, NEW_TAB_PAGE."`
}

// IconConfig defines how an icon is drawn.
type IconConfig struct {
	IconType                    string `json:"iconType,omitzero" yaml:"iconType" enum:"COLLECTION|CUSTOM|DATASOURCE|DATASOURCE_INSTANCE|FAVICON|FILE_TYPE|GENERATED_BACKGROUND|GLYPH|MIME_TYPE|NO_ICON|PERSON|REACTIONS|URL" doc:"What kind of icon it is."`
	Name                        string `json:"name,omitzero" yaml:"name" doc:"The name of a glyph."`
	Key                         string `json:"key,omitzero" yaml:"key" doc:"The icon's key."`
	URL                         string `json:"url,omitzero" yaml:"url" doc:"The address of an image."`
	Color                       string `json:"color,omitzero" yaml:"color" doc:"Its colour."`
	BackgroundColor             string `json:"backgroundColor,omitzero" yaml:"backgroundColor" doc:"The colour behind it."`
	GeneratedBackgroundColorKey string `json:"generatedBackgroundColorKey,omitzero" yaml:"generatedBackgroundColorKey" doc:"The key of a generated colour."`
	Masked                      *bool  `json:"masked,omitzero" yaml:"masked" doc:"Whether it follows the theme."`
}

// CanonicalizingRule rewrites what MatchRegex matches.
type CanonicalizingRule struct {
	MatchRegex   string `json:"matchRegex" yaml:"matchRegex" required:"true" doc:"What is matched."`
	RewriteRegex string `json:"rewriteRegex" yaml:"rewriteRegex" doc:"What it becomes."`
}

// GetDatasourceConfigRequest requests a datasource's config.
type GetDatasourceConfigRequest struct {
	Datasource string `json:"datasource"`
}
