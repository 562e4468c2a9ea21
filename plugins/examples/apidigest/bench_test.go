package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// definition is an OpenAPI document of a number of paths, and types of a quarter.
func definition(paths int) string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.3\ninfo:\n  title: Parcels\n  version: 1.10.0\n" +
		"  description: |\n    Books parcels.\npaths:\n")
	for n := range paths {
		fmt.Fprintf(&b, "  /parcels/%d/{id}:\n    get:\n      operationId: get%d\n"+
			"      summary: One parcel of the shipment, as it stands now\n      parameters:\n"+
			"        - {name: id, in: path, required: true, schema: {type: string}}\n      responses:\n"+
			"        '200': {description: The parcel}\n        '404': {description: There is none}\n", n, n)
	}
	b.WriteString("components:\n  schemas:\n")
	for n := range paths / 4 {
		fmt.Fprintf(&b, "    Parcel%d:\n      type: object\n      properties:\n"+
			"        id: {type: string, description: as it is printed}\n        weight: {type: number}\n"+
			"        items: {type: array, items: {$ref: '#/components/schemas/Item'}}\n", n)
	}
	return b.String()
}

func asJSON(tb testing.TB, text string) string {
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatal(err)
	}
	raw, err := json.Marshal(textKeys(v))
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

// BenchmarkDigest is one OpenAPI definition of 24 paths, in YAML and in JSON.
func BenchmarkDigest(b *testing.B) {
	text := definition(24)
	for name, text := range map[string]string{"yaml": text, "json": asJSON(b, text)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if l, err := digest("openapi", text); err != nil || len(l.all) < 24 {
					b.Fatal(err)
				}
			}
		})
	}
}
