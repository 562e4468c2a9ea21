package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestJSON: a definition in JSON gives the digest that it gives in YAML.
func TestJSON(t *testing.T) {
	for _, file := range []string{"openapi.yaml", "asyncapi2.yaml", "asyncapi3.yaml", "swagger.json"} {
		definition, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		// A comment in front is for the parser of YAML alone.
		asYAML, asJSON := "# YAML\n"+string(definition), asJSON(t, string(definition))
		want, err := digest(samples[file], asYAML)
		if err != nil {
			t.Fatal(err)
		}
		got, err := digest(samples[file], asJSON)
		if err != nil {
			t.Fatal(err)
		}
		// asJSON writes the version 1.10 of a sample as the number that it is.
		if got, want := got.all[1:], want.all[1:]; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

// TestAsWritten: shapes that people write, in both formats.
func TestAsWritten(t *testing.T) {
	for name, c := range map[string]struct{ definition, want string }{
		"an extension among the paths": {
			`{"openapi": "3.0.0", "info": {"title": "A"}, "paths": {"x-owner": "b", "/a": {"get": {"summary": "c"}}}}`,
			"A\n\nOperations\nGET /a: c",
		},
		"a version without quotes": {`{"openapi": 3.0, "info": {"title": "A", "version": 1.10}}`, "A 1.10"},
		"a type, and a list of them": {
			`{"openapi": "3.1.0", "components": {"schemas": {"A": {"type": ["string", "null"]}, "B": {"type": "integer"}}}}`,
			"Types\nA: string|null\nB: integer",
		},
		"numbers of AsyncAPI": {
			`{"asyncapi": "2.0.0", "info": {"title": "A", "version": "1", "description": 10000000}}`, "A 1\n10000000",
		},
		"the version of AsyncAPI without quotes": {
			`{"asyncapi": 2.0, "info": {"title": "A", "version": 1.10}}`, "A 1.10",
		},
	} {
		kind := "openapi"
		if strings.Contains(name, "AsyncAPI") {
			kind = "asyncapi"
		}
		for _, definition := range []string{c.definition, "# YAML\n" + c.definition} {
			text, err := digest(kind, definition)
			if err != nil || text.cut(200) != c.want {
				t.Errorf("%s: %q, %v, want %q", name, text.cut(200), err, c.want)
			}
		}
	}
	if _, err := digest("openapi", `{"openapi": "3.0.0", "paths": []}`); err == nil {
		t.Error("paths that are a list were read")
	}
}
