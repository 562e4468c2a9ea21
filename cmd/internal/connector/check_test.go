package connector

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// shipped are settings as the shipped pipeline has them.
var shipped = map[string]string{
	"source.url": "https://backstage.example.com", "source.tls.verify": "true", "source.kinds.User": "true",
	"source.kinds.API":     "false",
	"sink.datasource.name": "backstage", "sink.datasource.homeUrl": "https://backstage.example.com",
	"sink.datasource.urlRegex":           `https://backstage\.example\.com/.*`,
	"sink.datasource.datasourceCategory": "KNOWLEDGE_HUB", "sink.datasource.isUserReferencedByEmail": "true",
	"permissions.default": "datasource-users",
}

func TestCheck(t *testing.T) {
	testing := map[string]string{"sink.datasource.isTestDatasource": "true",
		"sink.datasource.testers.0": "Ann@example.com", "sink.datasource.testers.1": "ben@example.com"}
	for name, c := range map[string]struct {
		set      string // NAME=value, separated by spaces
		settings map[string]string
		change   func(*Situation)
		want     string // the names that are reported
	}{
		"nothing is set":  {set: ""},
		"empty variables": {set: "DRY_RUN= OUTPUT_JSON= GLEAN_DATASOURCE_IS_TEST_MODE="},
		"variables without effect": {set: "BACKSTAGE_API_TOKEN=x GLEAN_CLIENT_API_KEY=x SYNC_BATCH_SIZE=1 " +
			"BACKSTAGE_PAGE_SIZE=1 LOG_LEVEL=INFO OUTPUT_JSON_DIR=x"},
		"a dry run":        {set: "DRY_RUN=true", want: "DRY_RUN"},
		"in small letters": {set: "dry_run=true", want: "DRY_RUN"},
		"no dry run":       {set: "DRY_RUN=false"},
		"neither":          {set: "DRY_RUN=maybe", want: "DRY_RUN"},
		"with the flag":    {set: "DRY_RUN=true", change: func(s *Situation) { s.Publishes = false }},
		"the file reads it": {set: "DRY_RUN=true", change: func(s *Situation) {
			s.Reads = []string{"DRY_RUN"}
		}, want: "DRY_RUN"},
		"another source and sink": {set: "DRY_RUN=true DEFAULT_PERMISSIONS=none OUTPUT_JSON=1",
			change: func(s *Situation) { s.Pair = false }, want: "DRY_RUN"},
		"files":                   {set: "OUTPUT_JSON=true", want: "OUTPUT_JSON"},
		"files with the flag":     {set: "OUTPUT_JSON=true", change: func(s *Situation) { s.Output = true }},
		"a call without --output": {set: "OUTPUT_JSON=true", change: func(s *Situation) { s.Command = "push" }},

		"test mode":             {set: "GLEAN_DATASOURCE_IS_TEST_MODE=true", want: "GLEAN_DATASOURCE_IS_TEST_MODE"},
		"test mode in the file": {set: "GLEAN_DATASOURCE_IS_TEST_MODE=1", settings: testing},
		"no test mode":          {set: "GLEAN_DATASOURCE_IS_TEST_MODE=off"},
		"test mode ends": {set: "GLEAN_DATASOURCE_IS_TEST_MODE=false", settings: testing,
			want: "GLEAN_DATASOURCE_IS_TEST_MODE"},
		"testers": {set: "GLEAN_DATASOURCE_TEST_USER_EMAILS=ann@example.com",
			want: "GLEAN_DATASOURCE_TEST_USER_EMAILS"},
		"testers in the file": {set: "GLEAN_DATASOURCE_TEST_USER_EMAILS=ben@example.com,ann@example.com",
			settings: testing},
		"other testers": {set: "GLEAN_DATASOURCE_TEST_USER_EMAILS=ann@example.com", settings: testing,
			want: "GLEAN_DATASOURCE_TEST_USER_EMAILS"},
		"testers of no test": {set: "GLEAN_DATASOURCE_TEST_USER_EMAILS=ann@example.com " +
			"GLEAN_DATASOURCE_IS_TEST_MODE=false"},
		"addresses of the set-up": {set: "GLEAN_DATASOURCE_HOME_URL=https://backstage.example.com/ " +
			"GLEAN_DATASOURCE_URL_REGEX=https://backstage.example.com/.*"},
		"other addresses": {set: "GLEAN_DATASOURCE_HOME_URL=https://x.example GLEAN_DATASOURCE_URL_REGEX=https://x",
			want: "GLEAN_DATASOURCE_HOME_URL GLEAN_DATASOURCE_URL_REGEX"},
		"unknown addresses": {set: "GLEAN_DATASOURCE_HOME_URL=https://x.example", change: func(s *Situation) {
			delete(s.Settings, "sink.datasource.homeUrl")
		}},
		"an icon": {set: "GLEAN_DATASOURCE_ICON_FILENAME_LIGHTMODE=a.png " +
			"GLEAN_DATASOURCE_ICON_URL_DARKMODE=https://x",
			want: "GLEAN_DATASOURCE_ICON_FILENAME_LIGHTMODE GLEAN_DATASOURCE_ICON_URL_DARKMODE"},
		"an icon in the file": {set: "GLEAN_DATASOURCE_ICON_FILENAME_LIGHTMODE=a.png",
			settings: map[string]string{"sink.datasource.iconUrl": "data:x"}},
		"another category": {set: "GLEAN_DATASOURCE_CATEGORY=TICKETS " +
			"GLEAN_DATASOURCE_USER_REFERENCED_BY_EMAIL=false",
			want: "GLEAN_DATASOURCE_CATEGORY GLEAN_DATASOURCE_USER_REFERENCED_BY_EMAIL"},
		"the file's own settings": {set: "DEFAULT_PERMISSIONS=owner VERIFY_SSL=false SYNC_USERS_ENABLED=no " +
			"SYNC_APIS_ENABLED=f", want: "DEFAULT_PERMISSIONS SYNC_USERS_ENABLED VERIFY_SSL"},
		"settings that it reads": {set: "DEFAULT_PERMISSIONS=owner GLEAN_DATASOURCE_ID=x", change: func(s *Situation) {
			s.Reads = []string{"DEFAULT_PERMISSIONS", "GLEAN_DATASOURCE_ID"}
		}},
		"another datasource":        {set: "GLEAN_DATASOURCE_ID=catalog", want: "GLEAN_DATASOURCE_ID"},
		"the same in other letters": {set: "GLEAN_DATASOURCE_ID=Backstage DEFAULT_PERMISSIONS=datasource-users"},
	} {
		vars := map[string]string{}
		for one := range strings.FieldsSeq(c.set) {
			k, v, _ := strings.Cut(one, "=")
			vars[k] = v
		}
		s := Situation{Lookup: func(n string) (string, bool) {
			v, ok := vars[n]
			return v, ok
		}, Pair: true, Command: "run", Publishes: true, DryRuns: true, Settings: maps.Clone(shipped)}
		maps.Copy(s.Settings, c.settings)
		if c.change != nil {
			c.change(&s)
		}
		var got []string
		for _, f := range Check(s) {
			got = append(got, f.Name)
			if f.Message == "" || f.Hint == "" || strings.Contains(f.Message+f.Hint, "x.example") {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: reported %q, want %q", name, got, c.want)
		}
	}
}

// pydantic's booleans, in any case of letters.
func TestTruth(t *testing.T) {
	for text, want := range map[string]string{"true": "true", "TRUE": "true", "1": "true", "Yes": "true", "on": "true",
		"t": "true", "Y": "true",
		"False": "false", "0": "false", "NO": "false", "off": "false", "f": "false", "n": "false", "2": "unknown",
		"tru": "unknown"} {
		got := "unknown"
		if v, ok := truth(text); ok {
			got = fmt.Sprint(v)
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	names := Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("not sorted, or one is listed twice: %q", names)
	}
	for _, want := range []string{"DRY_RUN", "OUTPUT_JSON_DIR", "GLEAN_DATASOURCE_IS_TEST_MODE", "BACKSTAGE_BASE_URL",
		"SYNC_RESOURCES_ENABLED", "LOG_LEVEL"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing", want)
		}
	}
}
