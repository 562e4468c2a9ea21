package settings

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

func decode(t *testing.T, text, uiURL string) (*Config, config.Problems) {
	t.Helper()
	doc, problems := config.Parse("test.yaml", []byte(text))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	c := &Config{}
	c.Adopt(uiURL)
	return c, config.Decode(doc.Root(), c, nil).Errors()
}

const goodConfig = `
instance: acme
token: t0ken-of-the-test
datasource:
  name: backstage
  datasourceCategory: KNOWLEDGE_HUB
  objectDefinitions:
    - name: component
      propertyDefinitions:
        - {name: type, propertyType: PICKLIST, uiFacetOrder: 1}
        - {name: ref, hideUiFacet: true}
`

func TestConfig(t *testing.T) {
	c, problems := decode(t, goodConfig, "https://portal.example/app/")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if c.Address() != "https://acme-be.glean.com" || len(c.Missing()) > 0 || c.Batch.Documents != 500 ||
		c.Batch.Bytes != 4<<20 ||
		c.Datasource.HomeURL != "https://portal.example/app" || c.Datasource.URLRegex != `https://portal\.example/app/.*` ||
		c.Datasource.ObjectDefinitions[0].PropertyDefinitions[1].PropertyType != "TEXT" || !c.TLS.Verify {
		t.Errorf("%+v", c)
	}
	c, _ = decode(t, strings.Replace(goodConfig, "  name: backstage", "  name: backstage\n  urlRegex: https://x/.*", 1),
		"https://portal.example")
	if c.Datasource.URLRegex != "https://x/.*" || c.Datasource.HomeURL != "https://portal.example" {
		t.Errorf("what the file says is not kept: %+v", c.Datasource)
	}
	for name, tc := range map[string]struct{ old, new, want string }{
		"no address":         {"instance: acme\n", "", "the address of Glean is missing"},
		"two addresses":      {"instance: acme\n", "instance: acme\nserver_url: https://x\n", "both set the address"},
		"an address":         {"instance: acme", "instance: https://acme-be.glean.com", "not the name of an instance"},
		"no token":           {"token: t0ken-of-the-test\n", "", `"token" is required`},
		"datasource's name":  {"name: backstage", "name: back stage", "not a valid datasource name"},
		"no category":        {"  datasourceCategory: KNOWLEDGE_HUB\n", "", "datasourceCategory"},
		"uncategorized":      {"KNOWLEDGE_HUB", "UNCATEGORIZED", "not one of the allowed values"},
		"regular expression": {"  name: backstage", "  name: backstage\n  urlRegex: (", "not a regular expression"},
		"object type":        {"name: component", "name: a_component", "is not a valid object type"},
		"property type":      {"PICKLIST", "BOOL", "not one of the allowed values"},
		"property twice":     {"name: ref", "name: type", `property "type" is defined twice`},
		"facet order":        {", hideUiFacet: true", "", "1 of its 2 facets have a uiFacetOrder"},
		"misspelt":           {"uiFacetOrder", "uiFacetsOrder", "unknown key"},
		"no scheme":          {"instance: acme", "server_url: acme-be.glean.com", "not an address"},
		"another scheme":     {"instance: acme", "server_url: ftp://acme-be.glean.com", "not an address"},
		"no host":            {"instance: acme", "server_url: https://", "not an address"},
		"password":           {"instance: acme", "server_url: https://me:hunter2@acme-be.glean.com", "not an address"},
		"query":              {"instance: acme", "server_url: https://acme-be.glean.com/?token=hunter2", "not an address"},
		"empty query":        {"instance: acme", "server_url: https://acme-be.glean.com/?", "not an address"},
		"fragment":           {"instance: acme", `server_url: "https://acme-be.glean.com/#hunter2"`, "not an address"},
		"dot segments":       {"instance: acme", "server_url: https://acme-be.glean.com/a/../b", "not an address"},
		"header":             {"instance: acme", "instance: acme\nheaders: {User-Agent: x}", "User-Agent cannot be set here"},
	} {
		text := strings.Replace(goodConfig, tc.old, tc.new, 1)
		if text == goodConfig {
			t.Fatalf("%s: nothing was changed", name)
		}
		_, problems := decode(t, text, "")
		if len(problems) == 0 || !strings.Contains(problems.Error(), tc.want) {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestCategories: the list for people is that of the file.
func TestCategories(t *testing.T) {
	field, _ := reflect.TypeFor[api.DatasourceConfig]().FieldByName("DatasourceCategory")
	known := map[string]bool{}
	for _, c := range strings.Split(field.Tag.Get("enum"), "|") {
		known[c] = true
	}
	for _, c := range Categories() {
		if !known[c.Name] || c.Doc == "" {
			t.Errorf("%+v", c)
		}
		delete(known, c.Name)
	}
	if len(known) > 0 {
		t.Errorf("not listed: %v", known)
	}
}
