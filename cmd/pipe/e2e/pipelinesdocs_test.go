package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/internal/connector"
	"github.com/pipe-engine/pipe/cmd/internal/golden"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

const pipelinesReadme = "../../../pipelines/README.md"

// TestPipelinesReadme: the page about pipelines is generated from its template, the specs of
// the components, the functions, and runs of the pipeline.
func TestPipelinesReadme(t *testing.T) {
	const source = "testdata/docs/pipelines.md.tmpl"
	page, err := template.New("").Delims("[[", "]]").Funcs(template.FuncMap{
		"truth":     func() string { return truthTable(t) },
		"variables": func() string { return variableTable(t) },
		"reference": func() (string, error) { return referenceText() },
	}).Parse(read(t, source))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := page.Execute(&b, nil); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, pipelinesReadme, strings.TrimRight(b.String(), "\n")+"\n")
}

// referenceText is every key and every function, in Markdown.
func referenceText() (string, error) {
	r := components.Registry()
	var b strings.Builder
	b.WriteString("## Every key\n\n`pipe components NAME` prints the same. A name in capitals stands for any, `[]` for " +
		"the elements of a list.\n")
	for _, p := range pipeline.Components(r) {
		fmt.Fprintf(&b, "\n### %s `%s`\n\n%s\n", p.Role, p.Name, p.Doc)
		if len(p.Fields) == 0 {
			fmt.Fprintf(&b, "\nIt takes %s.\n", pipeline.Article(p.Type))
			continue
		}
		b.WriteString("\n| key | what it takes | |\n|---|---|---|\n")
		for _, f := range p.Fields {
			keyRows(&b, f, "")
		}
	}
	b.WriteString("\n## Every function\n\n`pipe functions NAME` prints the same. Given nil, a function gives nil, or an " +
		"empty list or text.\n")
	for _, f := range pipeline.Functions(r) {
		fmt.Fprintf(&b, "\n### `%s`\n\n%s", f.Signature, f.Doc)
		if f.Of != "" {
			fmt.Fprintf(&b, " Of the source `%s`.", f.Of)
		}
		b.WriteString("\n\n```text\n")
		shown := ""
		for _, e := range f.Examples {
			lines, err := exampleLines(e, &shown)
			if err != nil {
				return "", err
			}
			b.WriteString(lines)
		}
		b.WriteString("```\n")
	}
	return b.String(), nil
}

func keyRows(b *strings.Builder, f config.Field, prefix string) {
	cell := strings.NewReplacer("|", `\|`, "\n", " ").Replace
	facts := pipeline.Facts(f)
	for i := range facts {
		facts[i] = cell(facts[i])
	}
	fmt.Fprintf(b, "| `%s` | %s | %s |\n", prefix+f.Name, strings.Join(facts, ", "), cell(f.Doc))
	below := prefix + f.Name + "."
	switch {
	case strings.HasPrefix(f.Type, "list of"):
		below = prefix + f.Name + "[]."
	case strings.HasPrefix(f.Type, "map of"):
		below = prefix + f.Name + ".NAME."
	}
	for _, inner := range f.Fields {
		keyRows(b, inner, below)
	}
}

func exampleLines(e pipeline.Example, shown *string) (string, error) {
	result, err := codec.Marshal(e.Result)
	if err != nil {
		return "", err
	}
	if e.Result == nil {
		result = []byte("nil")
	}
	text := ""
	if e.Record != nil {
		record, err := codec.Marshal(e.Record)
		if err != nil {
			return "", err
		}
		if line := "# for " + string(record) + "\n"; line != *shown {
			text, *shown = line, line
		}
	}
	return text + e.Expr + "\n    → " + string(result) + "\n", nil
}

// seedVariables are the variables of the connector, with their replacements where the
// shipped pipeline lacks them.
var seedVariables = []struct{ name, here string }{
	{"BACKSTAGE_BASE_URL", "the same. Where people open Backstage at another address, set `BACKSTAGE_UI_URL` as well"},
	{"BACKSTAGE_API_TOKEN", "the same"},
	{"BACKSTAGE_PAGE_SIZE", "the same; 500 by default, where it was 100"},
	{"GLEAN_INSTANCE_NAME", "the same, or `GLEAN_SERVER_URL`, the whole address"},
	{"GLEAN_INDEXING_API_KEY", "the same"},
	{"GLEAN_CLIENT_API_KEY", "not needed"},
	{"GLEAN_DATASOURCE_ID", "the same"},
	{"GLEAN_DATASOURCE_DISPLAY_NAME", "the same"},
	{"DEFAULT_PERMISSIONS", "the same four values. `owner` counts groups, too, and every owner; [users " +
		"only](#owners-as-in-the-python-connector-users-only) is a recipe"},
	{"SYNC_BATCH_SIZE", "the same; 500 by default, where it was 50 and at most 100"},
	{"SYNC_USERS_ENABLED", "the same; switched off, users stay in Glean as they are"},
	{"SYNC_GROUPS_ENABLED", "the same; likewise"},
	{"SYNC_COMPONENTS_ENABLED", "the same"},
	{"SYNC_APIS_ENABLED", "the same"},
	{"SYNC_SYSTEMS_ENABLED", "the same"},
	{"SYNC_DOMAINS_ENABLED", "the same"},
	{"SYNC_RESOURCES_ENABLED", "the same"},
	{"SYNC_LOCATIONS_ENABLED", "the same"},
	{"VERIFY_SSL", "the same; prefer `tls.ca_file`"},
	{"LOG_LEVEL", "the same, or `--log-level`"},
	{"DRY_RUN", "`--dry-run`; true without the flag is refused"},
	{"OUTPUT_JSON", "`--output DIR`, with or without `--dry-run`; true without the flag is refused"},
	{"OUTPUT_JSON_DIR", "`--output DIR`"},
	{"GLEAN_DATASOURCE_IS_TEST_MODE",
		"`datasource.isTestDatasource` in the file; this one and those below are refused while they differ from it"},
	{"GLEAN_DATASOURCE_TEST_USER_EMAILS", "`datasource.testers`, a list, with `datasource.isTestDatasource`"},
	{"GLEAN_DATASOURCE_HOME_URL", "`datasource.homeUrl`; follows from `BACKSTAGE_UI_URL`"},
	{"GLEAN_DATASOURCE_URL_REGEX", "`datasource.urlRegex`; follows from `BACKSTAGE_UI_URL`, with its dots escaped"},
	{"GLEAN_DATASOURCE_CATEGORY", "`datasource.datasourceCategory`"},
	{"GLEAN_DATASOURCE_ICON_FILENAME_LIGHTMODE", "`datasource.iconUrl`, written `${file:PATH}`"},
	{"GLEAN_DATASOURCE_ICON_FILENAME_DARKMODE", "`datasource.iconDarkUrl`, likewise"},
	{"GLEAN_DATASOURCE_ICON_URL_LIGHTMODE", "`datasource.iconUrl`"},
	{"GLEAN_DATASOURCE_ICON_URL_DARKMODE", "`datasource.iconDarkUrl`"},
	{"GLEAN_DATASOURCE_USER_REFERENCED_BY_EMAIL", "`datasource.isUserReferencedByEmail`, true in the shipped file"},
}

// variableTable checks each row against the shipped pipeline: an unchanged variable must be
// one of its variables, and a key of the datasource must exist.
func variableTable(t *testing.T) string {
	t.Helper()
	d := pipeline.Load(shipped,
		pipeline.Options{Registry: components.Registry(), Variables: config.Variables{Lenient: true}})
	has := map[string]bool{"LOG_LEVEL": true}
	for _, v := range d.Variables {
		has[v.Name] = true
	}
	var keys strings.Builder
	for _, p := range pipeline.Components(components.Registry()) {
		for _, f := range p.Fields {
			keyRows(&keys, f, "")
		}
	}
	var b strings.Builder
	for _, name := range connector.Names() {
		if !strings.Contains(fmt.Sprint(seedVariables), "{"+name+" ") {
			t.Errorf("%s of the connector is not in the table", name)
		}
	}
	for _, v := range seedVariables {
		if !slices.Contains(connector.Names(), v.name) {
			t.Errorf("%s is in the table and unknown to the program", v.name)
		}
		if has[v.name] != strings.HasPrefix(v.here, "the same") {
			t.Errorf("%s: %s; in the shipped file: %t", v.name, v.here, has[v.name])
		}
		for _, m := range regexp.MustCompile("`((?:datasource|tls)\\.[A-Za-z_]+)`").FindAllStringSubmatch(v.here, -1) {
			if !strings.Contains(keys.String(), "| `"+m[1]+"` |") {
				t.Errorf("%s: there is no key %s", v.name, m[1])
			}
		}
		for _, m := range regexp.MustCompile("`([A-Z_]{6,})`").FindAllStringSubmatch(v.here, -1) {
			if !has[m[1]] {
				t.Errorf("%s: there is no variable %s", v.name, m[1])
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.name, v.here)
	}
	return b.String()
}
