package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// everything is every name of an entity that an expression can read.
const everything = `[apiVersion, kind, metadata, spec, relations]`

// inputFile makes a file in a folder that holds the files that entities name.
func inputFile(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	for other, content := range map[string]string{name: text, "api.yaml": "openapi: 3.0.0\ninfo: {title: Orders}\n",
		"data.json": `{"tier":1}`} {
		if err := os.WriteFile(filepath.Join(dir, other), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, name)
}

// A run and the commands that only show read the same entities from a file.
func TestInputAndCatalogAgree(t *testing.T) {
	const one = `{"apiVersion":"backstage.io/v1alpha1","kind":"API","metadata":{"name":"one","description":"No. 1"},"spec":{"type":"openapi","lifecycle":"production","owner":"group:default/payments","definition":{"$text":"./api.yaml"}}}`
	const two = `{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"two","annotations":{"example.com/x":"1.10"}},"spec":{"type":"service","lifecycle":"production","owner":"payments","system":"shop","more":{"$json":"data.json"},"gone":{"$yaml":"https://example.com/x"}}}`
	const recorded = `{"apiVersion":"backstage.io/v1alpha1","kind":"Group","metadata":{"name":"payments","namespace":"default","uid":"u"},"spec":{"type":"team","children":[]},"relations":[{"type":"ownerOf","targetRef":"component:default/two"}]}`
	yamlText := `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: one
  annotations: &notes {example.com/a: "1"}
spec: &spec
  type: service
  lifecycle: production
  owner: &own group:default/payments
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata:
  name: two
  annotations: *notes
spec:
  <<: *other
---
`
	yamlText = strings.Replace(yamlText, "  <<: *other\n",
		"  definition: {$text: ./api.yaml}\n  owner: x\n  lifecycle: production\n  type: openapi\n", 1)
	yamlText = strings.Replace(yamlText, "  annotations: *notes\n", "  annotations: {example.com/a: \"2\"}\n", 1)
	for name, c := range map[string]struct {
		file, text string
		total      string
	}{
		"an array":             {"a.json", "[" + one + ",\n" + two + "," + recorded + "]", `"total": 3`},
		"an answer of the API": {"a.json", `{"items":[` + one + "," + two + `],"totalItems":2,"pageInfo":{}}`, `"total": 2`},
		"NDJSON":               {"a.ndjson", one + "\n\n" + two + "\r\n" + recorded + "\n", `"total": 3`},
		"answers, one a line":  {"a.ndjson", `{"items":[` + one + `]}` + "\n" + `{"items":[` + two + `]}` + "\n", `"total": 2`},
		"one entity":           {"a.json", one, `"total": 1`},
		"the last of two":      {"a.ndjson", strings.Replace(two, "service", "website", 1) + "\n" + one + "\n" + two, `"total": 2`},
		"YAML":                 {"catalog-info.yaml", yamlText, `"total": 2`},
		"YAML of Windows":      {"catalog-info.yaml", "\ufeff" + strings.ReplaceAll(yamlText, "\n", "\r\n"), `"total": 2`},
		"a YAML list":          {"a.yaml", "- " + one + "\n- " + two + "\n", `"total": 2`},
		"merge keys": {"a.yaml",
			"apiVersion: x\nkind: Component\nmetadata: {name: one}\nspec: {<<: &d {type: service, owner: a}, lifecycle: x, " +
				"twin: *d}\n", `"total": 1`},
		"anchors": {"", "testdata/inputs/anchors.yaml", `"total": 2`},
	} {
		t.Run(name, func(t *testing.T) {
			path := c.text
			if c.file != "" {
				path = inputFile(t, c.file, c.text)
			}
			looked := pipe(t, nil, "eval", "--json", "--input", path, shipped, everything)
			run := pipe(t, nil, "eval", "--json", "--sandbox", "--catalog", path, shipped, everything)
			if looked.code != 0 || !strings.Contains(looked.stdout, c.total) {
				t.Fatalf("exit %d, want %s in\n%s", looked.code, c.total, looked.both())
			}
			if run.code != 0 || run.stdout != looked.stdout {
				t.Errorf("--catalog: exit %d\n%s\n--input gives\n%s", run.code, run.both(), looked.stdout)
			}
			if looked.stderr != run.stderr {
				t.Errorf("--catalog says\n%s\n--input says\n%s", run.stderr, looked.stderr)
			}
			if strings.Contains(c.text, "$text") && !strings.Contains(looked.stdout, `title: Orders`) {
				t.Errorf("$text was not filled in:\n%s", looked.stdout)
			}
			if strings.Contains(c.text, "$yaml") &&
				strings.Count(looked.stderr,
					`1 placeholder was not filled in and has a text instead: $yaml "https://example.com/x"`) != 1 {
				t.Errorf("it does not say that an address was not asked:\n%s", looked.stderr)
			}
			if name == "the last of two" &&
				!strings.Contains(looked.stderr,
					"the last of several records with one ref counts: component:default/two at "+path+":3:1\n") {
				t.Errorf("it does not say which counts:\n%s", looked.stderr)
			}
		})
	}
}

// A catalog-info.yaml with an anchor, as a public report had it.
func TestInputAnchors(t *testing.T) {
	c := pipe(t, nil, "eval", "--input", "testdata/inputs/anchors.yaml", shipped, "ref")
	for _, ref := range []string{"component:default/one", "component:default/two"} {
		if c.code != 0 || !strings.Contains(c.stdout, ref) {
			t.Errorf("exit %d, want %s in\n%s", c.code, ref, c.both())
		}
	}
}

// Invalid entities are refused by all commands, with their positions.
func TestInputRefused(t *testing.T) {
	for text, want := range map[string]string{
		"kind: API\nmetadata: {name: &a x}\nspec: {b: *c}\n": ":3:11: alias: no anchor of this name above the alias",
		"kind: API\nkind: API\n":                             ":2:1: duplicate-key",
		"kind: API\n---\n- 7\n":                              ":3:3: wrong-kind: not a record",
		"{\"kind\":":                                         ":1: this line is no JSON object",
		"[{\"kind\":\"API\"},{}]":                            ":1:1: not a record: it has no kind",
		"":                                                   " holds no records",
		"\xff\xfek\x00":                                      " is UTF-16 text",
	} {
		path := write(t, "a.yaml", text)
		looked := pipe(t, nil, "eval", "--input", path, shipped, "ref")
		run := pipe(t, nil, "run", "--sandbox", "--catalog", path, shipped)
		if !strings.Contains(looked.stderr, path+want) || !strings.Contains(run.stderr, path+want) {
			t.Errorf("%q: want %q in\n%s\nand in\n%s", text, want, looked.stderr, run.stderr)
		}
		if looked.code != int(job.Wrong) || run.code != int(job.Wrong) {
			t.Errorf("%q: --input is exit %d, --catalog exit %d", text, looked.code, run.code)
		}
	}
}

// The records of a test fill in their placeholders as well.
func TestInputInTests(t *testing.T) {
	dir := filepath.Dir(inputFile(t, "records.yaml",
		"kind: API\nmetadata: {name: one, description: {$text: note.md}}\nspec: {owner: x}\n"))
	pipeline, err := filepath.Abs(shipped)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"note.md": "Takes orders.",
		"backstage.test.yaml": "pipeline: " + pipeline + `
variables: {DEFAULT_PERMISSIONS: all-users}
records:
  - file: records.yaml
  - kind: API
    metadata: {name: two, description: {$text: note.md}}
    spec: {owner: x}
tests:
  - name: descriptions are read
    expect:
      api:default/one: {documents: {summary: Takes orders.}}
      api:default/two: {documents: {summary: Takes orders.}}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	suite := filepath.Join(dir, "backstage.test.yaml")
	if c := pipe(t, nil, "test", "--allow-untested", suite); c.code != 0 || strings.Contains(c.both(), "placeholder") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if err := os.Remove(filepath.Join(dir, "note.md")); err != nil {
		t.Fatal(err)
	}
	if c := pipe(t, nil, "test", "--allow-untested", suite); c.code == 0 ||
		strings.Count(c.stderr, "2 placeholders were not filled in") != 1 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}
