package placeholder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// files makes a folder with files in it.
func files(t *testing.T, all map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// resolved is an entity of the given JSON after its placeholders were filled in.
func resolved(t *testing.T, f *Folder, entity string) (string, []Missed) {
	t.Helper()
	v, err := codec.Decode([]byte(entity))
	if err != nil {
		t.Fatal(err)
	}
	_, missed := f.Resolve("api:default/a", v)
	out, err := codec.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), missed
}

// What Backstage's PlaceholderProcessor makes of the same entities.
func TestResolve(t *testing.T) {
	f := New(files(t, map[string]string{
		"api.yaml": "openapi: 3.0.0\n", "docs/note.md": "# Hello\n", "data.json": `{"a":[1]}`,
		"data.yaml": "b: &x {c: 1}\nd: *x\n", "data.txt": "plain",
	}))
	defer f.Close()
	for name, c := range map[string]struct{ in, want string }{
		"text":                  {`{"spec":{"definition":{"$text":"./api.yaml"}}}`, `{"spec":{"definition":"openapi: 3.0.0\n"}}`},
		"in a folder":           {`{"metadata":{"description":{"$text":"docs/note.md"}}}`, `{"metadata":{"description":"# Hello\n"}}`},
		"within a way":          {`{"a":{"$text":"docs/../data.txt"}}`, `{"a":"plain"}`},
		"json":                  {`{"spec":{"x":{"$json":"./data.json"}}}`, `{"spec":{"x":{"a":[1]}}}`},
		"yaml":                  {`{"spec":{"x":{"$yaml":"data.yaml"}}}`, `{"spec":{"x":{"b":{"c":1},"d":{"c":1}}}}`},
		"openapi":               {`{"a":{"$openapi":"api.yaml"},"b":{"$asyncapi":"api.yaml"}}`, `{"a":"openapi: 3.0.0\n","b":"openapi: 3.0.0\n"}`},
		"in lists":              {`{"a":[1,{"b":{"$text":"data.txt"}}]}`, `{"a":[1,{"b":"plain"}]}`},
		"unknown":               {`{"a":{"$ref":"#/definitions/node"}}`, `{"a":{"$ref":"#/definitions/node"}}`},
		"two keys":              {`{"a":{"$text":"data.txt","b":{"$text":"data.txt"}}}`, `{"a":{"$text":"data.txt","b":{"$text":"data.txt"}}}`},
		"resolved placeholders": {`{"a":"$text"}`, `{"a":"$text"}`},
	} {
		got, missed := resolved(t, f, c.in)
		if got != c.want || len(missed) > 0 {
			t.Errorf("%s: %v\n got %s\nwant %s", name, missed, got, c.want)
		}
	}
}

// A reference that is not read becomes a text, and is reported.
func TestResolveMisses(t *testing.T) {
	dir := files(t,
		map[string]string{"in/a.json": "{", "in/two.yaml": "a: 1\n---\nb: 2\n", "in/bad.yaml": "a: [\n",
			"secret.txt": "canary", "in/folder/x": ""})
	in := filepath.Join(dir, "in")
	if err := os.WriteFile(filepath.Join(in, "large"), make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"out": "../secret.txt", "absolute": filepath.Join(dir, "secret.txt"),
		"up": ".."} {
		if err := os.Symlink(target, filepath.Join(in, link)); err != nil {
			t.Fatal(err)
		}
	}
	const outside = "it is not below the folder of the catalog file"
	for target, c := range map[string]struct{ key, why string }{
		"https://example.com/api.yaml":        {"$text", "an address is never asked"},
		"http://127.0.0.1:1/x":                {"$yaml", "an address is never asked"},
		"file:///etc/passwd":                  {"$text", "an address is never asked"},
		"/etc/passwd":                         {"$text", outside},
		"../secret.txt":                       {"$text", outside},
		"folder/../../secret.txt":             {"$text", outside},
		filepath.ToSlash(dir) + "/secret.txt": {"$text", outside},
		"out":                                 {"$text", outside},
		"absolute":                            {"$text", outside},
		"up/secret.txt":                       {"$text", outside},
		"folder":                              {"$text", "it is not a regular file"},
		"nope":                                {"$text", "no such file"},
		"":                                    {"$text", outside},
		"large":                               {"$text", "it is larger than 16 MiB"},
		"a.json":                              {"$json", "it is not JSON"},
		"two.yaml":                            {"$yaml", "it holds 2 YAML documents"},
		"bad.yaml":                            {"$yaml", "it is not YAML"},
	} {
		f := New(in)
		got, missed := resolved(t, f, `{"a":{"`+c.key+`":"`+target+`"}}`)
		f.Close()
		if len(missed) != 1 || !strings.Contains(missed[0].Why, c.why) {
			t.Errorf("%s: %v, want %q", target, missed, c.why)
			continue
		}
		if want := `{"a":"[` + c.key + `: ` + target + ` was not read]"}`; got != want {
			t.Errorf("%s: got %s", target, got)
		}
		if strings.Contains(got+Sentence(missed), "canary") {
			t.Errorf("%s: read from outside the folder", target)
		}
	}
	if got, missed := resolved(t, New(in), `{"a":{"$text":{"b":1}}}`); len(missed) != 1 || got != `{"a":"[$text:  was not read]"}` {
		t.Errorf("no name: %s %v", got, missed)
	}
	if _, missed := resolved(t, New(""), `{"a":{"$text":"x"}}`); len(missed) != 1 || missed[0].Why != "the input has no folder" {
		t.Errorf("no folder: %v", missed)
	}
}

// Missed references are reported in a stable order.
func TestResolveOrder(t *testing.T) {
	const entity = `{"z":{"$text":"1"},"a":{"c":{"$text":"2"},"b":{"$text":"3"}},"m":[{"$text":"4"},{"$text":"5"}]}`
	for range 20 {
		var order string
		_, missed := resolved(t, New(""), entity)
		for _, m := range missed {
			order += m.Target
		}
		if order != "32451" {
			t.Fatalf("the order is %s", order)
		}
	}
}

// One catalog cannot make the program read files without end.
func TestResolveTotal(t *testing.T) {
	dir := files(t, map[string]string{"a": strings.Repeat("x", 1<<10)})
	f := New(dir)
	defer f.Close()
	f.left = 2500
	_, missed := resolved(t, f, `{"a":[{"$text":"a"},{"$text":"a"},{"$text":"a"}]}`)
	if len(missed) != 1 || missed[0].Why != "the files of this catalog are larger than 256 MiB" {
		t.Errorf("got %v", missed)
	}
}

func TestSentence(t *testing.T) {
	var all []Missed
	for range 5 {
		all = append(all, Missed{"api:default/a", "$text", "x", "no such file"})
	}
	got := Sentence(all)
	if !strings.HasPrefix(got, "5 placeholders were not filled in") || !strings.HasSuffix(got, "; 2 more") ||
		strings.Contains(got, "\n") {
		t.Error(got)
	}
	if Sentence(nil) != "" {
		t.Error("a sentence about nothing")
	}
}
