package cli

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/internal/golden"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/config/schema"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/suite"
)

const (
	schemaFile     = "../../../pipelines/schema.json"
	testSchemaFile = "../../../pipelines/test.schema.json"
)

// TestSchemaIsCurrent: the committed schema is what `pipe schema` prints.
func TestSchemaIsCurrent(t *testing.T) {
	golden.Compare(t, schemaFile, pipe(t, nil, "schema").stdout)
	golden.Compare(t, testSchemaFile, pipe(t, nil, "schema", "--tests").stdout)
}

// TestSchemaIsDocumented: an editor explains every key.
func TestSchemaIsDocumented(t *testing.T) {
	keys := 0
	var walk func(path string, s *schema.Schema)
	walk = func(path string, s *schema.Schema) {
		if s == nil {
			return
		}
		for name, p := range s.Properties {
			if keys++; p.Description == "" {
				t.Errorf("%s.%s has no description", path, name)
			}
			walk(path+"."+name, p)
		}
		walk(path+"[]", s.Items)
		for _, one := range s.AnyOf {
			walk(path, one)
		}
		if values, ok := s.AdditionalProperties.(*schema.Schema); ok {
			walk(path+".NAME", values)
		}
	}
	walk("", pipeline.Schema(components.Registry()))
	walk("", suite.Schema(components.Registry()))
	if keys < 150 {
		t.Errorf("only %d keys", keys)
	}
}

// judge holds a file against the schema as an editor does.
func judge(t *testing.T, file string) error {
	t.Helper()
	return judgeBy(t, schemaFile, file)
}

func judgeBy(t *testing.T, schemaFile, file string) error {
	t.Helper()
	schema := compiledSchema(t, schemaFile)
	doc, problems := config.Load(file)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	var d config.Data
	config.Decode(doc.Root(), &d, &config.Variables{Lenient: true})
	return schema.Validate(plainValue(d))
}

func compiledSchema(t *testing.T, schemaFile string) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	value, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", value); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// plainValue returns a value by YAML's core schema, before variables.
func plainValue(d config.Data) any {
	switch {
	case d.Node.Kind() == config.Mapping:
		object := map[string]any{}
		for _, e := range d.Entries {
			object[e.Key] = plainValue(e.Value)
		}
		return object
	case d.Node.Kind() == config.List:
		list := []any{}
		for _, item := range d.Items {
			list = append(list, plainValue(item))
		}
		return list
	case d.Node.IsNull():
		return nil
	}
	text := d.Node.Text()
	switch {
	case d.Quoted:
	case regexp.MustCompile(`^(true|false)$`).MatchString(text):
		return text == "true"
	case regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`).MatchString(text):
		n, err := strconv.ParseFloat(text, 64)
		if err == nil {
			return n
		}
	}
	return text
}

// TestSchemaTakesTheShippedPipeline, whose first line points at the schema.
func TestSchemaTakesTheShippedPipeline(t *testing.T) {
	if err := judge(t, shipped); err != nil {
		t.Error(err)
	}
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), "# yaml-language-server: $schema=schema.json\n") {
		t.Error("no yaml-language-server line")
	}
}

// TestSchemaOfTests: the schema accepts the shipped tests, and finds a misspelt key at every
// depth.
func TestSchemaOfTests(t *testing.T) {
	shippedTests := strings.TrimSuffix(shipped, ".yaml") + ".test.yaml"
	if err := judgeBy(t, testSchemaFile, shippedTests); err != nil {
		t.Error(err)
	}
	text := fileText(t, shippedTests)
	if !strings.HasPrefix(text, "# yaml-language-server: $schema=test.schema.json\n") {
		t.Error("no yaml-language-server line")
	}
	for _, wrong := range [][2]string{{"fixtures:", "fixture:"}, {"    expect:", "    expects:"},
		{"        rule:", "        rul:"}, {"        documents:", "        document:"},
		{"          objectType: team", "          objectTyp: team"}, {"audience: listed", "audience: list"}} {
		if err := judgeBy(t, testSchemaFile,
			write(t, "x.test.yaml", strings.Replace(text, wrong[0], wrong[1], 1))); err == nil {
			t.Errorf("%s is taken", wrong[1])
		}
	}
}
