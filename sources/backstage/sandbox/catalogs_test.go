package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// The bundled company holds what its comment promises.
func TestCompany(t *testing.T) {
	kinds, mails, namespaces := map[string]int{}, map[string]int{}, map[string]int{}
	all := Company()
	relations := relationsOf(t, all)
	var definitions []string
	for _, raw := range all {
		e, err := codec.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		kind := e["kind"].(string)
		kinds[kind]++
		namespaces[e["metadata"].(map[string]any)["namespace"].(string)]++
		spec := e["spec"].(map[string]any)
		if kind == "User" {
			profile, _ := spec["profile"].(map[string]any)
			mail, _ := profile["email"].(string)
			mails[strings.ToLower(mail)]++
		}
		if kind == "API" {
			text, _ := spec["definition"].(string)
			if len(text) < 100 {
				t.Errorf("definition %q", text)
			}
			definitions = append(definitions, spec["type"].(string))
		}
	}
	for kind, n := range map[string]int{"User": 30, "Group": 12, "Domain": 4, "System": 8, "Component": 18, "API": 7,
		"Resource": 7, "Location": 2, "Template": 2} {
		if kinds[kind] != n {
			t.Errorf("%d entities of kind %s, want %d", kinds[kind], kind, n)
		}
	}
	if len(namespaces) != 2 || mails[""] != 3 || mails["ines.carvalho@larkspur.example"] != 2 {
		t.Errorf("namespaces %v, mails %v", namespaces, mails)
	}
	for _, kind := range []string{"openapi", "asyncapi", "graphql", "grpc"} {
		if !slices.Contains(definitions, kind) {
			t.Errorf("no definition of type %s", kind)
		}
	}
	text := string(bytes.Join(all, nil))
	for _, want := range []string{`"glean.com/visibility":"owner"`, `"glean.com/visibility":"team-only"`, `"backstage.io/orphan":"true"`, `"name":"generated-`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not there", want)
		}
	}
	dangling := 0
	for ref, list := range relations {
		for _, r := range list {
			name, target, _ := strings.Cut(r, " ")
			if relations[target] == nil {
				dangling++
				if name != "ownedBy" {
					t.Errorf("%s: %s leads nowhere", ref, r)
				}
			}
		}
	}
	if dangling != 2 {
		t.Errorf("%d owners that do not exist, want 2", dangling)
	}
	if !slices.Contains(relations["component:default/depot-wallboard"], "ownedBy user:default/ursula.brandt") {
		t.Error("no owner is a user")
	}
}

func TestFromFile(t *testing.T) {
	const a, b = `{"kind":"API","metadata":{"name":"a"},"relations":[]}`, `{"kind":"API","metadata":{"name":"b"},"relations":[]}`
	for name, tc := range map[string]struct {
		text string
		n    int
		says string // the error, PATH standing for the file
	}{
		"array":            {"[" + a + ",\n" + b + "]\n", 2, ""},
		"items":            {`{"totalItems":2,"items":[` + a + "," + b + "]}", 2, ""},
		"lines":            {a + "\n\n" + b + "\r\n", 2, ""},
		"one":              {"{\n\"kind\":\"API\",\n\"metadata\":{\"name\":\"a\"}}", 1, ""},
		"byte order mark":  {"\ufeff[" + a + "]", 1, ""},
		"empty":            {" \n", 0, "PATH holds no records"},
		"empty array":      {"[]", 0, "PATH holds no records"},
		"YAML":             {"kind: API\nmetadata: {name: a}\n---\nkind: API\nmetadata: {name: b}\n", 2, ""},
		"cut array":        {"[\n" + a + ",\n" + a[:20], 0, "PATH: the JSON array ends badly at or after its record 2"},
		"array of numbers": {"[\n\n1]", 0, "PATH:3:1: not a record"},
		"no kind":          {"[" + a + ",\n{}]", 0, "PATH:2:1: not a record: it has no kind"},
		"cut line":         {a + "\n" + b + "\n{\"kind\":", 0, "PATH:3: this line is no JSON object"},
		"the last of two":  {a + "\n" + b + "\n" + a, 2, ""},
		"without names":    {`[{"kind":"API"},{"kind":"API"}]`, 2, ""},
	} {
		path := filepath.Join(t.TempDir(), "catalog.json")
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, err := FromFile(path)
		if tc.says == "" {
			if err != nil || len(got) != tc.n {
				t.Errorf("%s: %d entities, %v", name, len(got), err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), strings.ReplaceAll(tc.says, "PATH", path)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := FromFile(filepath.Join(t.TempDir(), "nope")); err == nil {
		t.Error("a missing file was read")
	}
}

// Entities as people write them are stitched, recorded ones are left alone.
func TestFromFileStitches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.json")
	text := `[{"kind":"API","metadata":{"name":"a"},"spec":{"owner":"x"}}]`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, err := FromFile(path)
	if err != nil || !strings.Contains(string(got[0]), `"ownedBy"`) {
		t.Errorf("%s, %v", got, err)
	}
}

// Serving costs little compared with a client's work on an entity.
func BenchmarkPages(b *testing.B) {
	entities := make([][]byte, 5000)
	for i := range entities {
		entities[i] = fmt.Appendf(nil, `{"kind":"Component","metadata":{"namespace":"default","name":"c%04d"},"spec":{"text":%q}}`,
			i, strings.Repeat("x", 2300))
	}
	c, err := newCatalog(entities, newest)
	if err != nil {
		b.Fatal(err)
	}
	f, _ := parseFilter([]string{"kind=component"})
	for b.Loop() {
		v := c.view(f, "metadata.name")
		page := newBody()
		var items [][]byte
		for _, r := range v.rows[:500] {
			items = append(items, r.raw)
		}
		page.list(items)
		page.free()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*500), "ns/entity")
}
