package main

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// openAPI reads versions 2 and 3; references are named and never followed.
func openAPI(definition string) (*lines, error) {
	doc, err := parseAPI(definition)
	if err != nil {
		return nil, err
	}
	l := &lines{}
	l.title(doc.Info.Title, doc.Info.Version, doc.Info.Description)
	for _, s := range doc.Servers {
		if s != nil {
			l.entry("Server "+s.URL, s.Description)
		}
	}
	l.section("Operations", func() { pathItems(l, doc.Paths) })
	l.section("Webhooks", func() { pathItems(l, doc.Webhooks) })
	l.section("Types", func() {
		for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
			typeOf(l, name, doc.Components.Schemas[name])
		}
	})
	return l, nil
}

// parseAPI parses a definition, with the JSON parser if it can.
func parseAPI(definition string) (*api, error) {
	doc := &api{}
	if !isJSON(definition) || json.Unmarshal([]byte(definition), doc) != nil {
		doc = &api{}
		if err := yaml.Unmarshal([]byte(definition), doc); err != nil {
			return nil, err
		}
	}
	switch {
	case doc.OpenAPI != nil:
		return doc, nil
	case doc.Swagger != nil:
		return parseSwagger(definition)
	}
	return nil, errors.New("it names no version of OpenAPI or Swagger")
}
func pathItems(l *lines, items map[string]*pathItem) {
	for _, path := range slices.Sorted(maps.Keys(items)) {
		item := items[path]
		if item == nil {
			continue
		}
		for _, o := range item.operations() {
			if o.is == nil {
				continue
			}
			text := first(o.is.Summary, o.is.Description, o.is.OperationID)
			if o.is.Deprecated {
				text = strings.TrimSpace("(deprecated) " + text)
			}
			l.entry(o.method+" "+path+parameters(item.Parameters, o.is.Parameters), text)
		}
	}
}

// methodOf is an operation with its method.
type methodOf struct {
	method string
	is     *operation
}

// operations returns the operations of a path in order, nil for none.
func (p *pathItem) operations() []methodOf {
	return []methodOf{
		{"GET", p.Get}, {"POST", p.Post}, {"PUT", p.Put}, {"PATCH", p.Patch}, {"DELETE", p.Delete}, {"HEAD", p.Head},
		{"OPTIONS", p.Options}, {"TRACE", p.Trace}, {"CONNECT", p.Connect},
	}
}

// parameters lists names in parentheses, without those of the path.
func parameters(lists ...[]*parameter) string {
	var names []string
	for _, p := range slices.Concat(lists...) {
		switch {
		case p == nil:
		case p.Ref != "":
			names = append(names, lastStep(p.Ref))
		case p.In == "query":
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

func typeOf(l *lines, name string, s *schema) {
	if s == nil || s.Ref != "" {
		l.entry(name, schemaType(s))
		return
	}
	var fields []string
	for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
		fields = append(fields, strings.TrimSpace(field+" "+schemaType(s.Properties[field])))
	}
	text := strings.Join(fields, ", ")
	if text == "" {
		text = schemaType(s)
	}
	l.add(withText(name+": "+text, s.Description))
}

// withText appends a description to a line.
func withText(line, description string) string {
	if d := oneLine(description); d != "" {
		return line + " — " + d
	}
	return line
}

func schemaType(s *schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return lastStep(s.Ref)
	}
	for _, parts := range []struct {
		schemas []*schema
		by      string
	}{{s.AllOf, " & "}, {s.OneOf, " | "}, {s.AnyOf, " | "}} {
		var names []string
		for _, part := range parts.schemas {
			if name := schemaType(part); name != "" {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			return strings.Join(names, parts.by)
		}
	}
	if len(s.Type) == 1 && s.Type[0] == "array" {
		return schemaType(s.Items) + "[]"
	}
	return strings.Join(s.Type, "|")
}
