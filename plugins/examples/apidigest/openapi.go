package main

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

// methods in the order in which they are listed.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"}

// openAPI reads versions 2 and 3; references are named and never followed.
func openAPI(definition string) (*lines, error) {
	doc, err := parseDocument(definition)
	if err != nil {
		return nil, err
	}
	doc.prune()
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	api := &openapi3.T{}
	switch {
	case doc["openapi"] != nil:
		err = json.Unmarshal(raw, api)
	case doc["swagger"] != nil:
		var old openapi2.T
		if err = json.Unmarshal(raw, &old); err == nil {
			api, err = openapi2conv.ToV3(&old)
		}
	default:
		err = errors.New("it names no version of OpenAPI or Swagger")
	}
	if err != nil {
		return nil, err
	}
	l := &lines{}
	if api.Info != nil {
		l.title(api.Info.Title, api.Info.Version, api.Info.Description)
	}
	for _, s := range api.Servers {
		if s != nil {
			l.entry("Server "+s.URL, s.Description)
		}
	}
	l.section("Operations", func() { operations(l, api) })
	l.section("Webhooks", func() {
		for _, name := range slices.Sorted(maps.Keys(api.Webhooks)) {
			pathItem(l, name, api.Webhooks[name])
		}
	})
	l.section("Types", func() {
		if api.Components != nil {
			for _, name := range slices.Sorted(maps.Keys(api.Components.Schemas)) {
				schema(l, name, api.Components.Schemas[name])
			}
		}
	})
	return l, nil
}

// prune drops the members of an OpenAPI 3 document that a digest does not show and that
// take most of the time to read: responses, bodies, examples.
func (d document) prune() {
	if d["openapi"] == nil {
		return
	}
	for _, section := range []string{"paths", "webhooks"} {
		for _, item := range d.at(section) {
			item, _ := item.(map[string]any)
			pruneParameters(item)
			for _, operation := range item {
				operation, _ := operation.(map[string]any)
				drop(operation, "responses", "requestBody", "callbacks", "security", "tags", "servers", "externalDocs")
				pruneParameters(operation)
			}
		}
	}
	if components := d.at("components"); components != nil {
		for name := range components {
			if name != "schemas" {
				delete(components, name)
			}
		}
	}
}

// pruneParameters leaves the names of parameters and where they stand.
func pruneParameters(of map[string]any) {
	parameters, _ := of["parameters"].([]any)
	for _, p := range parameters {
		p, _ := p.(map[string]any)
		drop(p, "schema", "content", "example", "examples", "description")
	}
}

func drop(object map[string]any, names ...string) {
	for _, name := range names {
		delete(object, name)
	}
}

func operations(l *lines, api *openapi3.T) {
	paths := api.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		pathItem(l, path, paths[path])
	}
}

func pathItem(l *lines, path string, item *openapi3.PathItem) {
	if item == nil {
		return
	}
	all := item.Operations()
	for _, method := range methods {
		if op := all[method]; op != nil {
			text := first(op.Summary, op.Description, op.OperationID)
			if op.Deprecated {
				text = strings.TrimSpace("(deprecated) " + text)
			}
			l.entry(method+" "+path+parameters(item.Parameters, op.Parameters), text)
		}
	}
}

// parameters is the list of names in parentheses, those of the path left out.
func parameters(lists ...openapi3.Parameters) string {
	var names []string
	for _, p := range slices.Concat(lists...) {
		switch {
		case p == nil:
		case p.Ref != "":
			names = append(names, lastStep(p.Ref))
		case p.Value != nil && p.Value.In == "query":
			names = append(names, p.Value.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

func schema(l *lines, name string, ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil {
		l.entry(name, schemaType(ref))
		return
	}
	var fields []string
	for _, field := range slices.Sorted(maps.Keys(ref.Value.Properties)) {
		fields = append(fields, strings.TrimSpace(field+" "+schemaType(ref.Value.Properties[field])))
	}
	text := strings.Join(fields, ", ")
	if text == "" {
		text = schemaType(ref)
	}
	l.add(withText(name+": "+text, ref.Value.Description))
}

// withText puts a description behind a line.
func withText(line, description string) string {
	if d := oneLine(description); d != "" {
		return line + " — " + d
	}
	return line
}

func schemaType(ref *openapi3.SchemaRef) string {
	switch {
	case ref == nil:
		return ""
	case ref.Ref != "":
		return lastStep(ref.Ref)
	case ref.Value == nil:
		return ""
	}
	s := ref.Value
	for _, parts := range []struct {
		refs openapi3.SchemaRefs
		by   string
	}{{s.AllOf, " & "}, {s.OneOf, " | "}, {s.AnyOf, " | "}} {
		var names []string
		for _, r := range parts.refs {
			if name := schemaType(r); name != "" {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			return strings.Join(names, parts.by)
		}
	}
	if s.Type.Is("array") {
		return schemaType(s.Items) + "[]"
	}
	return strings.Join(s.Type.Slice(), "|")
}
