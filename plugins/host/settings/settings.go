package settings

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
)

const codeConfig = "plugin-config"

// Settings is the configuration of a plugin as Read returns it.
type Settings struct {
	Object   map[string]any // as the plugin gets it
	Problems config.Problems
	// Secrets are the values of fields that the schema marks as secret.
	Secrets []string
	// Unknown reports whether a value is missing whose variable is not set.
	Unknown bool

	plugin string
	node   *config.Node // position of problems about the whole block
	data   config.Data
}

// Read reads the configuration of a plugin and checks it against the plugin's JSON
// Schema, which is nil for a plugin without configuration. Node is the plugin's block.
func Read(plugin string, schema map[string]any, node *config.Node, data config.Data) *Settings {
	s := &Settings{plugin: plugin, node: node, data: data}
	s.Object = s.read(schema)
	return s
}

func (s *Settings) read(source map[string]any) map[string]any {
	if source == nil {
		if len(s.data.Entries) > 0 || len(s.data.Items) > 0 || s.data.Text.IsSet() {
			s.key(s.data.Node, s.plugin+" takes no config", "remove it")
		}
		return map[string]any{}
	}
	schema, err := compileSchema(source)
	if err != nil {
		s.key(s.node,
			fmt.Sprintf("the schema that %s gives for its config cannot be used: %v", s.plugin, firstLine(err)),
			"this is a defect in the plugin; report it to its author")
		return nil
	}
	value := s.value(s.data, schema, false)
	if value == nil {
		value = map[string]any{}
	}
	object, ok := value.(map[string]any)
	if !ok {
		s.at(s.data.Node, "the config of a plugin must be a mapping", "write key: value lines below it")
		return nil
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(object); errors.As(err, &invalid) {
		s.faults(invalid, schema)
	}
	return object
}

func compileSchema(schema map[string]any) (*jsonschema.Schema, error) {
	const here = "config.json"
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	if err := c.AddResource(here, any(schema)); err != nil {
		return nil, err
	}
	return c.Compile(here)
}

// noLoader prevents a third-party schema from reading files or the network.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("it refers to a document outside itself")
}

// value reads a part of the file by its schema, which may be nil: a scalar has the type of
// the schema, or else the type that it looks like.
func (s *Settings) value(d config.Data, schema *jsonschema.Schema, secret bool) any {
	schema = resolveRef(schema)
	secret = secret || schema != nil && schema.WriteOnly
	switch {
	case d.Node.Kind() == config.Mapping:
		out := map[string]any{}
		for _, e := range d.Entries {
			if v := s.value(e.Value, member(schema, e.Key), secret); v != nil || !e.Value.Unknown {
				out[e.Key] = v
			}
		}
		return out
	case d.Node.Kind() == config.List:
		out := []any{}
		for _, item := range d.Items {
			out = append(out, s.value(item, element(schema), secret))
		}
		return out
	case d.Unknown:
		s.Unknown = true
		return nil
	case d.Node.IsNull():
		return nil
	}
	if d.Text.FromFile() && !secret {
		s.at(d.Node, "${file:…} is allowed only in a field that the plugin marks as secret",
			"use ${NAME} here")
	}
	text := d.Text.Reveal()
	if secret {
		s.Secrets = append(s.Secrets, text)
		if d.Written {
			d.Hide()
			s.Problems = append(s.Problems, config.Problem{Pos: d.Node.Pos(), Code: "literal-secret", Warning: true,
				Message: "a secret is written in the file itself", Hint: "use a variable, ${NAME}, or a file, ${file:PATH}"})
		}
	}
	return scalar(text, d.Quoted, schema)
}

// scalar converts a text to the type of the schema; without one, an unquoted text has its
// YAML type.
func scalar(text string, quoted bool, schema *jsonschema.Schema) any {
	wants := func(typ string) bool {
		return schema != nil && schema.Types != nil && slices.Contains(schema.Types.ToStrings(), typ)
	}
	open := schema == nil || schema.Types == nil
	trimmed := strings.TrimSpace(text)
	if wants("boolean") || open && !quoted {
		switch trimmed {
		case "true":
			return true
		case "false":
			return false
		}
	}
	if wants("integer") || wants("number") || open && !quoted {
		if f, err := strconv.ParseFloat(trimmed, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f
		}
	}
	return text
}

// resolveRef follows $ref to the schema with the shape.
func resolveRef(schema *jsonschema.Schema) *jsonschema.Schema {
	for range 20 {
		if schema == nil || schema.Ref == nil || schema.Types != nil || schema.WriteOnly {
			break
		}
		schema = schema.Ref
	}
	return schema
}

func member(schema *jsonschema.Schema, name string) *jsonschema.Schema {
	if schema == nil {
		return nil
	}
	if s := schema.Properties[name]; s != nil {
		return s
	}
	s, _ := schema.AdditionalProperties.(*jsonschema.Schema)
	return s
}

func element(schema *jsonschema.Schema) *jsonschema.Schema {
	if schema == nil {
		return nil
	}
	if s, ok := schema.Items.(*jsonschema.Schema); ok {
		return s
	}
	return schema.Items2020
}

// faults turns the validator's errors into problems at the innermost positions.
func (s *Settings) faults(e *jsonschema.ValidationError, schema *jsonschema.Schema) {
	_, any := e.ErrorKind.(*kind.AnyOf)
	_, one := e.ErrorKind.(*kind.OneOf)
	if len(e.Causes) > 0 && !any && !one {
		for _, cause := range e.Causes {
			s.faults(cause, schema)
		}
		return
	}
	d := s.data.Get(e.InstanceLocation...)
	for i := len(e.InstanceLocation); d.Node == nil && i > 0; i-- {
		d = s.data.Get(e.InstanceLocation[:i-1]...)
	}
	for _, name := range e.InstanceLocation {
		if schema = resolveRef(member(schema, name)); schema == nil {
			break
		}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			if d.Get(name).Unknown {
				continue
			}
			hint := "add " + name + ": …"
			if m := resolveRef(member(schema, name)); m != nil && m.Description != "" {
				hint += "   (" + m.Description + ")"
			}
			s.key(d.Node, strconv.Quote(name)+" is required and missing", hint)
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			s.unknownKey(d, name, schema)
		}
	default:
		if d.Unknown {
			return
		}
		message, hint := mismatch(e.ErrorKind)
		if schema != nil && schema.Description != "" {
			hint = strings.TrimPrefix(hint+"   ("+schema.Description+")", "   ")
		}
		s.at(d.Node, message, hint)
	}
}

func (s *Settings) unknownKey(d config.Data, name string, schema *jsonschema.Schema) {
	var known []string
	if schema != nil {
		known = slices.Sorted(maps.Keys(schema.Properties))
	}
	hint := "its keys are " + strings.Join(known, ", ")
	if near := config.Nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	for _, e := range d.Entries {
		if e.Key == name {
			s.Problems = append(
				s.Problems,
				config.Problem{
					Pos:     e.KeyPos,
					Width:   len([]rune(name)),
					Code:    codeConfig,
					Message: "the plugin has no key " + strconv.Quote(name),
					Hint:    hint,
				},
			)
		}
	}
}

// mismatch describes a wrong value without quoting it, since it may be a secret.
func mismatch(k jsonschema.ErrorKind) (message, hint string) {
	switch k := k.(type) {
	case *kind.Type:
		return "the plugin requires " + strings.Join(k.Want, " or ") + " here, but this is " + k.Got, ""
	case *kind.Enum:
		var want []string
		for _, w := range k.Want {
			want = append(want, fmt.Sprint(w))
		}
		return "the plugin does not allow this value", "write one of: " + strings.Join(want, ", ")
	case *kind.Minimum:
		least, _ := k.Want.Float64()
		return "this is too small", fmt.Sprintf("write %g or more", least)
	case *kind.Maximum:
		most, _ := k.Want.Float64()
		return "this is too large", fmt.Sprintf("write %g or less", most)
	case *kind.Pattern:
		return "the plugin requires another format here", "it must match " + k.Want
	case *kind.Format:
		return "the plugin requires a " + k.Want + " here", ""
	case *kind.MinLength, *kind.MinItems, *kind.MinProperties:
		return "this is too short", ""
	case *kind.MaxLength, *kind.MaxItems, *kind.MaxProperties:
		return "this is too long", ""
	}
	return "this does not fit the plugin's schema (" + strings.Join(k.KeywordPath(), ".") + ")", ""
}

// Refuse adds the problem that the plugin itself reports for a field.
func (s *Settings) Refuse(field, reason string) {
	d := s.data
	for _, part := range strings.Split(field, ".") {
		if next := d.Get(part); next.Node != nil {
			d = next
		}
	}
	s.at(d.Node, s.plugin+" refuses its config: "+reason, "")
}

// at adds a problem at a scalar, or at the key of anything else.
func (s *Settings) at(n *config.Node, message, hint string) {
	if n.Kind() != config.Scalar {
		s.key(n, message, hint)
		return
	}
	s.Problems = append(s.Problems, config.Problem{
		Pos: n.Pos(), Width: len([]rune(n.Text())), Code: codeConfig, Message: message, Hint: hint,
	})
}

// key adds a problem at the key of a node.
func (s *Settings) key(n *config.Node, message, hint string) {
	if n == nil {
		n = s.node
	}
	s.Problems = append(s.Problems, AtKey(n, codeConfig, message, hint))
}

// AtKey returns a problem at the key of a node.
func AtKey(n *config.Node, code, message, hint string) config.Problem {
	name := n.Path()[strings.LastIndexByte(n.Path(), '.')+1:]
	return config.Problem{Pos: n.KeyPos(), Width: len([]rune(name)), Code: code, Message: message, Hint: hint}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return display.Short(line, 200)
}
