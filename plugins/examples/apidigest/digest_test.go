package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/plugins/sdk"
)

var update = flag.Bool("update", false, "write the golden files")

// samples are the files of testdata and their types.
var samples = map[string]string{
	"openapi.yaml": "openapi", "swagger.json": "openapi", "asyncapi2.yaml": "asyncapi",
	"asyncapi3.yaml": "asyncapi", "schema.graphql": "graphql", "service.proto": "grpc",
}

func TestDigest(t *testing.T) {
	for file, kind := range samples {
		t.Run(file, func(t *testing.T) {
			definition, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			text, err := digest(kind, string(definition))
			if err != nil {
				t.Fatal(err)
			}
			got, golden := text.cut(200)+"\n", filepath.Join("testdata", file+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestCutOff: a definition that ends anywhere gives a text or an error.
func TestCutOff(t *testing.T) {
	for file, kind := range samples {
		definition, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for n := range definition {
			if text, err := digest(kind, string(definition[:n])); err == nil && text == nil {
				t.Errorf("%s cut at %d: neither text nor error", file, n)
			} else if err != nil && strings.Contains(err.Error(), "panicked") {
				t.Errorf("%s cut at %d: %v", file, n, err)
			}
		}
	}
}

// TestBroken: for any definition, the plugin returns an error or a text and keeps running.
func TestBroken(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	for _, kind := range []string{"openapi", "asyncapi", "graphql", "grpc"} {
		for name, definition := range map[string]string{
			"words": "see the wiki", "cut": "{\"openapi\": \"3.0.0\", \"asyncapi\": \"3", "a list": "[1]", "deep": deep,
			"deep yaml": "a: " + deep, "deep type": "type A { a: " + deep, "null": "null", "binary": "\x00\xff\xfe",
			"wrong shapes":     `{"openapi": 3, "info": [], "paths": {"/": null}, "components": {"schemas": {"A": null}}}`,
			"null everywhere":  `{"openapi": "3.0.0", "info": null, "paths": {"/": {"get": null}}, "components": {"schemas": {"A": {"properties": {"b": null}, "items": null}}}}`,
			"async null":       `{"asyncapi": "3.0.0", "operations": {"a": null}, "channels": {"b": {"publish": []}}, "components": {"schemas": {"A": null}}}`,
			"cycle":            `{"swagger": "2.0", "info": {"title": "a", "version": "1"}, "paths": {}, "definitions": {"A": {"$ref": "#/definitions/B"}, "B": {"$ref": "#/definitions/A"}, "C": {"type": "array", "items": {"$ref": "#/definitions/C"}}}}`,
			"elsewhere":        `{"swagger": "2.0", "info": {"title": "a", "version": "1"}, "paths": {"/a": {"$ref": "file:///etc/passwd"}}, "definitions": {"A": {"$ref": "/etc/passwd"}}}`,
			"keys not strings": "asyncapi: 2.0.0\nchannels: {1: {publish: {summary: a}}}",
			"bomb": "asyncapi: 2.0.0\na: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n" +
				"c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n" +
				"e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e, *e]",
			"deep proto": "syntax = \"proto3\"; " + strings.Repeat("message A { ", 5000),
		} {
			if text, err := digest(kind, definition); err == nil && text == nil {
				t.Errorf("%s, %s: neither text nor error", kind, name)
			}
		}
	}
}

func TestCut(t *testing.T) {
	l := &lines{}
	l.title("A", "1", "")
	l.section("Empty", func() {})
	l.section("Types", func() { l.add("a"); l.add("b"); l.add("c") })
	if got := l.cut(4); got != "A 1\n\nTypes\n… and 3 more lines" {
		t.Errorf("cut to %q", got)
	}
	if got := oneLine(strings.Repeat("é", 400)); len([]rune(got)) != maxText || !strings.HasSuffix(got, "é…") {
		t.Errorf("cut to %d runes", len([]rune(got)))
	}
}

func TestPlugin(t *testing.T) {
	record := func(kind, definition any) map[string]any {
		return map[string]any{"kind": "API", "ref": "api:default/a",
			"spec": map[string]any{"type": kind, "definition": definition, "owner": "a"}}
	}
	sdk.Test(t, apidigest(), []sdk.Case{
		{Name: "condensed", Record: record("graphql", `type Query { "all of them" parcels: [Int] }`),
			Want: record("graphql", "Operations\nquery parcels [Int]: all of them")},
		{Name: "broken", Record: record("graphql", "type {")},
		{Name: "no digest", Record: record("openapi", "openapi: 3.0.0")},
		{Name: "other type", Record: record("trpc", "anything")},
		{Name: "no definition", Record: record("openapi", nil)},
		{Name: "not text", Record: record("openapi", map[string]any{"$text": "x"})},
		{Name: "too large", Config: `{"max_bytes": 10}`, Record: record("graphql", "type Query { a: Int }")},
	})
}
