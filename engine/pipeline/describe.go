package pipeline

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/config/schema"
	"github.com/pipe-engine/pipe/engine/notify"
	"github.com/pipe-engine/pipe/engine/secret"
)

// Describe returns the description of a pipeline file, key by key, from the specs of the
// components. The JSON Schema and the documentation are generated from it.
func Describe(r component.Registry) config.Field {
	root := config.DescribeType(&File{})
	for i, f := range root.Fields {
		shape, path := f, f.Name
		switch f.Name {
		case "source":
			shape = config.Field{Type: "mapping"}
			for _, s := range r.Sources {
				shape = chosen(shape, describeSource(r, s))
			}
		case "sink":
			shape = config.Field{Type: "mapping"}
			for _, s := range r.Sinks {
				shape = chosen(shape, describe(s.Name, s.Summary, s.Config()))
			}
		case "transforms":
			path += "[]"
			shape = config.Field{Type: "list of mapping", Fields: config.Describe(&common{})}
			for _, t := range r.Transforms {
				shape = chosen(shape, describe(t.Key, t.Summary, t.Config()))
			}
		case "notify":
			shape = config.DescribeType(&notify.Config{})
		case "secrets":
			shape = config.DescribeType(&secret.Config{})
		case "mapping":
			shape = describeMapping(r)
		case "permissions":
			shape = config.DescribeType(r.Permissions.Config())
		default:
			continue
		}
		shape = shape.Below(path)
		shape.Name, shape.Path, shape.Doc, shape.Required = f.Name, f.Name, f.Doc, f.Required
		root.Fields[i] = shape
	}
	return root
}

// Schema returns the JSON Schema of pipeline files.
func Schema(r component.Registry) *schema.Schema {
	s := schema.Of(Describe(r))
	s.Dialect, s.Title = "http://json-schema.org/draft-07/schema#", "A pipeline of pipe"
	return s
}

// describe returns the description of a component's settings, below its name.
func describe(name, doc string, cfg any) config.Field {
	f := config.DescribeType(cfg).Below(name)
	f.Name, f.Doc = name, doc
	return f
}

// describeSource describes a source's settings. A model in them is one of the registry.
func describeSource(r component.Registry, s component.SourceSpec[any]) config.Field {
	out := describe(s.Name, s.Summary, s.Config())
	for i, f := range out.Fields {
		if s.ModelKey == "" || f.Name != s.ModelKey {
			continue
		}
		shape := config.Field{Type: "mapping"}
		for _, m := range r.Models {
			shape = chosen(shape, describe(m.Name, m.Summary, m.Config()))
		}
		shape = shape.Below(f.Path)
		shape.Name, shape.Path, shape.Doc, shape.Required = f.Name, f.Path, f.Doc, f.Required
		out.Fields[i] = shape
	}
	return out
}

// chosen adds an alternative to a field that has exactly one of its fields.
func chosen(f, one config.Field) config.Field {
	f.Fields, f.Choice = append(f.Fields, one), append(f.Choice, one.Name)
	return f
}

// describeMapping returns the mapping of each stream of the sinks. They differ only in the
// fields of the stream.
func describeMapping(r component.Registry) config.Field {
	out := config.Field{Type: "mapping"}
	for _, stream := range Streams(r) {
		one := describe(stream.Name, stream.Doc, r.Mapper.Config())
		one.Type = strings.TrimPrefix(one.Type, "map of ")
		for i, f := range one.Fields {
			f.Path = stream.Name + "." + f.Name
			if f.Name == "fields" {
				f.Type, f.Fields = "mapping", describeStream(stream, f.Path)
			}
			one.Fields[i] = f
		}
		out.Fields = append(out.Fields, one)
	}
	return out
}

// Streams returns the streams of all sinks. A stream that several sinks have contains the
// fields of each, and requires the fields that all of them require.
func Streams(r component.Registry) []component.Stream {
	var out []component.Stream
	for _, sink := range r.Sinks {
		for _, s := range sink.Streams(sink.Config()) {
			i := slices.IndexFunc(out, func(o component.Stream) bool { return o.Name == s.Name })
			if i < 0 {
				s.Fields = slices.Clone(s.Fields)
				out = append(out, s)
				continue
			}
			for k, f := range out[i].Fields {
				other, _ := s.Field(f.Name)
				out[i].Fields[k].Required = f.Required && other.Required
			}
			for _, f := range s.Fields {
				if _, there := out[i].Field(f.Name); !there {
					f.Required = false
					out[i].Fields = append(out[i].Fields, f)
				}
			}
		}
	}
	return out
}

func describeStream(s component.Stream, path string) []config.Field {
	var out []config.Field
	for _, f := range s.Fields {
		typ := "expression"
		switch f.Type {
		case component.TextList, component.RefList:
			typ = "expression or list"
		case component.Properties:
			typ = "map of expression or list"
		}
		out = append(out, config.Field{Name: f.Name, Path: path + "." + f.Name, Type: typ, Doc: f.Doc, Required: f.Required})
	}
	return out
}
