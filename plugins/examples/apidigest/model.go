package main

import (
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

// api has the members of an OpenAPI document that a digest shows; others are ignored. The
// YAML parser reads any scalar as its text, since people write the version 1.10 without
// quotes. The JSON parser refuses such a scalar, and YAML is tried then.
type api struct {
	OpenAPI    *string              `json:"openapi" yaml:"openapi"`
	Swagger    *string              `json:"swagger" yaml:"swagger"`
	Info       info                 `json:"info" yaml:"info"`
	Servers    []*server            `json:"servers" yaml:"servers"`
	Paths      paths                `json:"paths" yaml:"paths"`
	Webhooks   map[string]*pathItem `json:"webhooks" yaml:"webhooks"`
	Components struct {
		Schemas map[string]*schema `json:"schemas" yaml:"schemas"`
	} `json:"components" yaml:"components"`
}

type info struct {
	Title       string `json:"title" yaml:"title"`
	Version     string `json:"version" yaml:"version"`
	Description string `json:"description" yaml:"description"`
}

type server struct {
	URL         string `json:"url" yaml:"url"`
	Description string `json:"description" yaml:"description"`
}

type pathItem struct {
	Parameters []*parameter `json:"parameters" yaml:"parameters"`
	Get        *operation   `json:"get" yaml:"get"`
	Post       *operation   `json:"post" yaml:"post"`
	Put        *operation   `json:"put" yaml:"put"`
	Patch      *operation   `json:"patch" yaml:"patch"`
	Delete     *operation   `json:"delete" yaml:"delete"`
	Head       *operation   `json:"head" yaml:"head"`
	Options    *operation   `json:"options" yaml:"options"`
	Trace      *operation   `json:"trace" yaml:"trace"`
	Connect    *operation   `json:"connect" yaml:"connect"`
}

type operation struct {
	Summary     string       `json:"summary" yaml:"summary"`
	Description string       `json:"description" yaml:"description"`
	OperationID string       `json:"operationId" yaml:"operationId"`
	Deprecated  bool         `json:"deprecated" yaml:"deprecated"`
	Parameters  []*parameter `json:"parameters" yaml:"parameters"`
}

type parameter struct {
	Ref  string `json:"$ref" yaml:"$ref"`
	Name string `json:"name" yaml:"name"`
	In   string `json:"in" yaml:"in"`
}

type schema struct {
	Ref         string             `json:"$ref" yaml:"$ref"`
	Description string             `json:"description" yaml:"description"`
	Type        types              `json:"type" yaml:"type"`
	Properties  map[string]*schema `json:"properties" yaml:"properties"`
	Items       *schema            `json:"items" yaml:"items"`
	AllOf       []*schema          `json:"allOf" yaml:"allOf"`
	OneOf       []*schema          `json:"oneOf" yaml:"oneOf"`
	AnyOf       []*schema          `json:"anyOf" yaml:"anyOf"`
}

// types are the types of a schema; a single type may be written without a list.
type types []string

func (t *types) UnmarshalJSON(raw []byte) error {
	if raw[0] != '[' {
		*t = make(types, 1)
		return json.Unmarshal(raw, &(*t)[0])
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

func (t *types) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*t = make(types, 1)
		return node.Decode(&(*t)[0])
	}
	return node.Decode((*[]string)(t))
}

// paths leaves out extensions, which may be of any shape.
type paths map[string]*pathItem

func (p *paths) UnmarshalJSON(raw []byte) error {
	var items map[string]json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	*p = paths{}
	for path, item := range items {
		if extension(path) {
			continue
		}
		var read *pathItem
		if err := json.Unmarshal(item, &read); err != nil {
			return err
		}
		(*p)[path] = read
	}
	return nil
}

func (p *paths) UnmarshalYAML(node *yaml.Node) error {
	var items map[string]yaml.Node
	if err := node.Decode(&items); err != nil {
		return err
	}
	*p = paths{}
	for path, item := range items {
		if extension(path) {
			continue
		}
		var read *pathItem
		if err := item.Decode(&read); err != nil {
			return err
		}
		(*p)[path] = read
	}
	return nil
}

func extension(name string) bool { return strings.HasPrefix(name, "x-") }

// isJSON reports whether a definition looks like an object of JSON; YAML may, too.
func isJSON(definition string) bool { return strings.HasPrefix(strings.TrimSpace(definition), "{") }
