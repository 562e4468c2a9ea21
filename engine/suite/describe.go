package suite

import (
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/config/schema"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Describe returns the description of a test file for pipelines to any sink of the registry.
func Describe(r component.Registry) config.Field {
	root := config.DescribeType(&File{})
	tests := slices.IndexFunc(root.Fields, func(f config.Field) bool { return f.Name == "tests" })
	for i, f := range root.Fields[tests].Fields {
		if f.Name == "expect" {
			root.Fields[tests].Fields[i].Fields = expected(r, f.Path)
		}
	}
	return root
}

// Schema returns the JSON Schema of test files.
func Schema(r component.Registry) *schema.Schema {
	s := schema.Of(Describe(r))
	s.Dialect, s.Title = "http://json-schema.org/draft-07/schema#", "Tests of a pipeline of pipe"
	return s
}

// expected returns the fields of a record's expectation.
func expected(r component.Registry, path string) []config.Field {
	var out []config.Field
	for _, s := range pipeline.Streams(r) {
		one := config.Field{Name: s.Name, Path: path + "." + s.Name, Type: "mapping or text",
			Doc: "The item of it in " + s.Name + ", by some of its fields; or " + absent + "."}
		for _, f := range s.Fields {
			one.Fields = append(one.Fields, config.Field{Name: f.Name, Path: one.Path + "." + f.Name, Type: "any", Doc: f.Doc})
		}
		out = append(out, one)
	}
	for _, k := range keywords() {
		out = append(out, config.Field{Name: k.name, Path: path + "." + k.name, Type: k.shape, Doc: k.doc, Enum: k.enum})
	}
	return out
}
