package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
)

// Schema is a JSON Schema, limited to the keywords that describe a pipeline file.
type Schema struct {
	Dialect              string             `json:"$schema,omitzero"`
	Title                string             `json:"title,omitzero"`
	Description          string             `json:"description,omitzero"`
	Type                 types              `json:"type,omitempty"`
	Default              any                `json:"default,omitzero"`
	Enum                 []any              `json:"enum,omitempty"`
	Pattern              string             `json:"pattern,omitzero"`
	Minimum              *float64           `json:"minimum,omitzero"`
	Maximum              *float64           `json:"maximum,omitzero"`
	Properties           map[string]*Schema `json:"properties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitzero"` // false or a *Schema
	Items                *Schema            `json:"items,omitzero"`
	AnyOf                []*Schema          `json:"anyOf,omitempty"`
	OneOf                []*Schema          `json:"oneOf,omitempty"`
	Not                  *Schema            `json:"not,omitzero"`
}

// types are JSON types. A single type is encoded as a string.
type types []string

// MarshalJSON returns a string for one type, else an array.
func (t types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return codec.Marshal(t[0])
	}
	return codec.Marshal([]string(t))
}

// Of returns the schema of the value of a field.
func Of(f config.Field) *Schema {
	s := one(schemas(f, f.Type))
	if !needed(f) {
		s = one(append(alternatives(s), &Schema{Type: types{"null"}}))
	}
	s.Description = f.Doc
	s.Default = defaultOf(f)
	return s
}

// needed reports whether a field cannot be left out.
func needed(f config.Field) bool {
	return f.Required || f.Type == "mapping" && !f.Optional && (len(f.Choice) > 0 || slices.ContainsFunc(f.Fields, needed))
}

// schemas returns the alternatives of a type. `list of` and `map of` apply to everything
// after them, including an `or`.
func schemas(f config.Field, typ string) []*Schema {
	if element, ok := strings.CutPrefix(typ, "list of "); ok {
		return []*Schema{{Type: types{"array"}, Items: one(schemas(f, element))}}
	}
	if element, ok := strings.CutPrefix(typ, "map of "); ok {
		values := append(schemas(f, element), &Schema{Type: types{"null"}})
		return []*Schema{{Type: types{"object"}, AdditionalProperties: one(values)}}
	}
	if left, right, ok := strings.Cut(typ, " or "); ok {
		return append(schemas(f, left), schemas(f, right)...)
	}
	return scalarSchemas(f, typ)
}

const variablePattern = `\$\{`

func scalarSchemas(f config.Field, typ string) []*Schema {
	variable := &Schema{Type: types{"string"}, Pattern: variablePattern}
	text := types{"string", "number", "boolean"}
	written := func(pattern string) []*Schema {
		return []*Schema{{Type: types{"string"}, Pattern: pattern + "|" + variablePattern}}
	}
	numeric := func(typ string) *Schema {
		return &Schema{Type: types{typ}, Minimum: numberOf(f.Min), Maximum: numberOf(f.Max)}
	}
	switch typ {
	case "text":
		if len(f.Enum) > 0 {
			return []*Schema{{Enum: anys(f.Enum)}, variable}
		}
		return []*Schema{{Type: text}}
	case "secret":
		return []*Schema{{Type: text}}
	case "boolean":
		return append(written(`^(true|false)$`), &Schema{Type: types{"boolean"}})
	case "whole number":
		return append(written(`^ *-?[0-9]+ *$`), numeric("integer"))
	case "number":
		return append(written(`^ *-?[0-9.]+ *$`), numeric("number"))
	case "duration":
		return append(written(`^([0-9]+d|[0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h))+$`), &Schema{Enum: []any{0}})
	case "date":
		return written(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	case "size":
		return append(written(`^[0-9]+(\.[0-9]+)? ?([KkMmGg][Ii]?)?[Bb]$`), &Schema{Enum: []any{0}})
	case "share":
		return written(`^[0-9]+(\.[0-9]+)? *%$`)
	case "expression":
		return []*Schema{{Type: text, Not: variable}}
	case "list":
		return []*Schema{{Type: types{"array"}, Items: &Schema{Type: text}}}
	case "mapping":
		return []*Schema{object(f)}
	}
	return []*Schema{{}}
}

func object(f config.Field) *Schema {
	s := &Schema{Type: types{"object"}, Properties: map[string]*Schema{}, AdditionalProperties: false}
	if f.Fields == nil { // a type inside itself
		return &Schema{Type: s.Type}
	}
	for _, inner := range f.Fields {
		s.Properties[inner.Name] = Of(inner)
		if needed(inner) && !slices.Contains(f.Choice, inner.Name) {
			s.Required = append(s.Required, inner.Name)
		}
	}
	switch {
	case len(f.Choice) == 1:
		s.Required = append(s.Required, f.Choice[0])
	case len(f.Choice) > 1:
		for _, name := range f.Choice {
			s.OneOf = append(s.OneOf, &Schema{Required: []string{name}})
		}
	}
	return s
}

// one returns a single schema for several alternatives.
func one(all []*Schema) *Schema {
	if len(all) == 1 {
		return all[0]
	}
	bare := func(s *Schema) bool { return len(s.Type) == 1 && s.Type[0] == "null" }
	if len(all) == 2 && bare(all[1]) && all[0].Enum == nil { // an editor explains a list of types better
		s := *all[0]
		if s.Type != nil {
			s.Type = append(slices.Clone(s.Type), "null")
		}
		return &s
	}
	return &Schema{AnyOf: all}
}

func alternatives(s *Schema) []*Schema {
	if s.AnyOf != nil {
		return s.AnyOf
	}
	return []*Schema{s}
}

func defaultOf(f config.Field) any {
	if f.Default == "" {
		return nil
	}
	switch f.Type {
	case "boolean":
		return f.Default == "true"
	case "whole number", "number":
		if n := numberOf(f.Default); n != nil {
			return *n
		}
	}
	return f.Default
}

func numberOf(text string) *float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	return &n
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}
