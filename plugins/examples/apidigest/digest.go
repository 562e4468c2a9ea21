package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// digest condenses a definition of a Backstage API type; nil for an unknown type. It never
// panics.
func digest(kind, definition string) (text *lines, err error) {
	defer func() {
		if p := recover(); p != nil {
			text, err = nil, fmt.Errorf("its parser panicked: %v", p)
		}
	}()
	switch strings.ToLower(kind) {
	case "openapi", "swagger":
		return openAPI(definition)
	case "asyncapi":
		return asyncAPI(definition)
	case "graphql":
		return graphQL(definition)
	case "grpc", "protobuf", "proto":
		return protobuf(definition)
	}
	return nil, nil
}

// document is a JSON or YAML object.
type document map[string]any

// parseDocument returns every key, and every member that is a version, as the text in the
// document: people write 200 and 1.10 without quotes.
func parseDocument(text string) (document, error) {
	if isJSON(text) {
		if d, ok := parseJSON(text); ok {
			return d, nil
		}
	}
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		return nil, err
	}
	var d document
	if err := node.Decode(&d); err != nil {
		return nil, err
	}
	if d == nil {
		return nil, errors.New("it is empty")
	}
	for key, v := range d {
		d[key] = textKeys(v)
	}
	var head struct {
		OpenAPI, Swagger, AsyncAPI string
		Info                       struct{ Title, Version string }
	}
	if node.Decode(&head) != nil {
		return d, nil // of another type, which its reader reports
	}
	for key, text := range map[string]string{"openapi": head.OpenAPI, "swagger": head.Swagger, "asyncapi": head.AsyncAPI} {
		if d[key] != nil {
			d[key] = text
		}
	}
	if info := d.at("info"); info != nil {
		info["title"], info["version"] = head.Info.Title, head.Info.Version
	}
	return d, nil
}

// parseJSON returns the same as the YAML parser. ok is false for input that it leaves to
// that parser: anything but one JSON object, and a title or version that is not a string.
func parseJSON(text string) (d document, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&d) != nil || d == nil {
		return nil, false
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, false
	}
	info := d.at("info")
	for _, named := range []any{d["openapi"], d["swagger"], d["asyncapi"], info["title"], info["version"]} {
		if _, is := named.(string); !is && named != nil {
			return nil, false
		}
	}
	for key, v := range d {
		d[key] = textKeys(v)
	}
	return d, true
}

func textKeys(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.Atoi(v.String()); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case document:
		return textKeys(map[string]any(v))
	case map[string]any:
		for key, below := range v {
			v[key] = textKeys(below)
		}
		return v
	case map[any]any:
		m := make(map[string]any, len(v))
		for key, below := range v {
			m[fmt.Sprint(key)] = textKeys(below)
		}
		return m
	case []any:
		for i, below := range v {
			v[i] = textKeys(below)
		}
	}
	return v
}

// at returns the object under the keys, nil if there is none.
func (d document) at(keys ...string) document {
	for _, key := range keys {
		below, ok := d[key].(map[string]any)
		if !ok {
			return nil
		}
		d = below
	}
	return d
}

// text is the scalar under the key as text.
func (d document) text(key string) string {
	switch v := d[key].(type) {
	case nil, []any, map[string]any:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

// lastStep returns the last element of a $ref such as #/components/schemas/Order.
func lastStep(ref string) string {
	name := ref[strings.LastIndexByte(ref, '/')+1:]
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
}
