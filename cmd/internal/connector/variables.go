package connector

import "slices"

// meaning is how the value of a variable is compared with a setting.
type meaning int

const (
	text    meaning = iota // equal, in any case of letters
	boolean                // as pydantic reads one
	address                // equal, apart from a slash at the end
	pattern                // equal, with dots escaped or not
	emails                 // the same addresses in any order
	icon                   // a file: compared with whether the setting has any value
)

// setting is a variable with the setting that replaces it.
type setting struct {
	name  string
	path  string // in Situation.Settings
	means meaning
	// absent is the meaning of a setting that has no value; "" is unknown.
	absent string
	write  string // what to write in the pipeline file
}

// settings are the variables whose place is the pipeline file. The first group
// never had a variable in the shipped file; those below it count when a file does
// not read them.
var settings = []setting{
	{"GLEAN_DATASOURCE_IS_TEST_MODE", "sink.datasource.isTestDatasource", boolean, "false",
		"isTestDatasource: true under sink.glean.datasource"},
	{"GLEAN_DATASOURCE_TEST_USER_EMAILS", "sink.datasource.testers", emails, "",
		"testers: [ann@example.com, …] with isTestDatasource: true under sink.glean.datasource"},
	{"GLEAN_DATASOURCE_HOME_URL", "sink.datasource.homeUrl", address, "",
		"homeUrl: … under sink.glean.datasource; it follows from BACKSTAGE_UI_URL when it is left out"},
	{"GLEAN_DATASOURCE_URL_REGEX", "sink.datasource.urlRegex", pattern, "",
		"urlRegex: … under sink.glean.datasource; it follows from BACKSTAGE_UI_URL when it is left out"},
	{"GLEAN_DATASOURCE_CATEGORY", "sink.datasource.datasourceCategory", text, "",
		"datasourceCategory: … under sink.glean.datasource"},
	{"GLEAN_DATASOURCE_ICON_FILENAME_LIGHTMODE", "sink.datasource.iconUrl", icon, "",
		"iconUrl: ${file:PATH} under sink.glean.datasource"},
	{"GLEAN_DATASOURCE_ICON_FILENAME_DARKMODE", "sink.datasource.iconDarkUrl", icon, "",
		"iconDarkUrl: ${file:PATH} under sink.glean.datasource"},
	{"GLEAN_DATASOURCE_ICON_URL_LIGHTMODE", "sink.datasource.iconUrl", address, "",
		"iconUrl: … under sink.glean.datasource"},
	{"GLEAN_DATASOURCE_ICON_URL_DARKMODE", "sink.datasource.iconDarkUrl", address, "",
		"iconDarkUrl: … under sink.glean.datasource"},
	{"GLEAN_DATASOURCE_USER_REFERENCED_BY_EMAIL", "sink.datasource.isUserReferencedByEmail", boolean, "false",
		"isUserReferencedByEmail: … under sink.glean.datasource"},

	{"BACKSTAGE_BASE_URL", "source.url", address, "", "url: ${BACKSTAGE_BASE_URL} under source.backstage"},
	{"GLEAN_INSTANCE_NAME", "sink.instance", text, "", "instance: ${GLEAN_INSTANCE_NAME:-} under sink.glean"},
	{"GLEAN_DATASOURCE_ID", "sink.datasource.name", text, "",
		"name: ${GLEAN_DATASOURCE_ID:-backstage} under sink.glean.datasource"},
	{"GLEAN_DATASOURCE_DISPLAY_NAME", "sink.datasource.displayName", text, "",
		"displayName: ${GLEAN_DATASOURCE_DISPLAY_NAME:-Backstage} under sink.glean.datasource"},
	{"DEFAULT_PERMISSIONS", "permissions.default", text, "",
		"default: ${DEFAULT_PERMISSIONS:-datasource-users} under permissions"},
	{"VERIFY_SSL", "source.tls.verify", boolean, "true", "verify: ${VERIFY_SSL:-true} under source.backstage.tls"},
	{"SYNC_USERS_ENABLED", "source.kinds.User", boolean, "",
		"User: ${SYNC_USERS_ENABLED:-true} under source.backstage.kinds"},
	{"SYNC_GROUPS_ENABLED", "source.kinds.Group", boolean, "",
		"Group: ${SYNC_GROUPS_ENABLED:-true} under source.backstage.kinds"},
	{"SYNC_COMPONENTS_ENABLED", "source.kinds.Component", boolean, "",
		"Component: ${SYNC_COMPONENTS_ENABLED:-true} under source.backstage.kinds"},
	{"SYNC_APIS_ENABLED", "source.kinds.API", boolean, "", "API: ${SYNC_APIS_ENABLED:-true} under source.backstage.kinds"},
	{"SYNC_SYSTEMS_ENABLED", "source.kinds.System", boolean, "",
		"System: ${SYNC_SYSTEMS_ENABLED:-true} under source.backstage.kinds"},
	{"SYNC_DOMAINS_ENABLED", "source.kinds.Domain", boolean, "",
		"Domain: ${SYNC_DOMAINS_ENABLED:-true} under source.backstage.kinds"},
	{"SYNC_RESOURCES_ENABLED", "source.kinds.Resource", boolean, "",
		"Resource: ${SYNC_RESOURCES_ENABLED:-true} under source.backstage.kinds"},
	{"SYNC_LOCATIONS_ENABLED", "source.kinds.Location", boolean, "",
		"Location: ${SYNC_LOCATIONS_ENABLED:-true} under source.backstage.kinds"},
}

// The variables that are flags here.
const (
	dryRun     = "DRY_RUN"
	outputJSON = "OUTPUT_JSON"
	outputDir  = "OUTPUT_JSON_DIR"
)

// without are the variables that change no result: credentials, which cannot be compared,
// sizes of pages, and variables that are no longer needed.
var without = []string{"BACKSTAGE_API_TOKEN", "BACKSTAGE_PAGE_SIZE", "GLEAN_CLIENT_API_KEY", "GLEAN_INDEXING_API_KEY",
	"LOG_LEVEL", "SYNC_BATCH_SIZE", outputDir}

// Names are all variables of the connector, sorted.
func Names() []string {
	out := append([]string{dryRun, outputJSON}, without...)
	for _, s := range settings {
		out = append(out, s.name)
	}
	slices.Sort(out)
	return out
}
