package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Field is what documentation and schema say about one key of a component
// spec.
type Field struct {
	Name     string   `json:"name"`
	Path     string   `json:"path"` // from the described struct, lists and maps as [] and NAME
	Type     string   `json:"type"` // text, boolean, whole number, number, duration, size, share, expression, expression or list, secret, any, mapping, list of …, map of …
	Default  string   `json:"default,omitempty"`
	Doc      string   `json:"doc"`
	Required bool     `json:"required,omitzero"`
	Secret   bool     `json:"secret,omitzero"`
	Min      string   `json:"min,omitempty"`
	Max      string   `json:"max,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Fields   []Field  `json:"fields,omitempty"` // of a mapping, or of the elements of a list or map
}

// Described is a Decodable type that says what its shape is. Doc, default and
// the like come from the tags of the field that has the type.
type Described interface {
	DescribeConfig() (typ string, fields []Field)
}

// Describe lists the fields of the struct that into points to. A default is
// the tag's, or else what the struct holds; a secret's is never shown.
func Describe(into any) []Field {
	return describeStruct(reflect.ValueOf(into).Elem(), "", nil)
}

func describeStruct(v reflect.Value, path string, within []reflect.Type) []Field {
	var out []Field
	for _, f := range fieldsOf(v.Type()) {
		fv := v.FieldByIndex(f.index)
		field := Field{Name: f.name, Path: joinPath(path, f.name), Default: f.def, Doc: f.doc,
			Required: f.required, Min: f.min, Max: f.max, Enum: f.enum}
		field.Type, field.Fields = describeValue(fv, field.Path, append(within, v.Type()))
		field.Secret = strings.HasSuffix(field.Type, "secret")
		if !f.hasDefault && field.Fields == nil && !field.Secret {
			field.Default = held(fv)
		}
		out = append(out, field)
	}
	return out
}

// describeValue names the type of a value and lists the fields within it; a
// type inside itself is listed once.
func describeValue(v reflect.Value, path string, within []reflect.Type) (string, []Field) {
	if described, ok := v.Addr().Interface().(Described); ok {
		return described.DescribeConfig()
	}
	if m, ok := v.Interface().(interface{ element() any }); ok {
		typ, fields := describeValue(reflect.ValueOf(m.element()).Elem(), joinPath(path, "NAME"), within)
		return "map of " + typ, fields
	}
	switch v.Interface().(type) {
	case Secret:
		return "secret", nil
	case Duration:
		return "duration", nil
	case Bytes:
		return "size", nil
	case Share:
		return "share", nil
	case Expression:
		return "expression", nil
	case ExpressionOrList:
		return "expression or list", nil
	}
	if isDecodable(v.Type()) {
		return "any", nil
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, t := range within {
			if t == v.Type() {
				return "mapping", nil
			}
		}
		return "mapping", describeStruct(v, path, within)
	case reflect.Pointer:
		return describeValue(reflect.New(v.Type().Elem()).Elem(), path, within)
	case reflect.Slice:
		typ, fields := describeValue(reflect.New(v.Type().Elem()).Elem(), path+"[]", within)
		return "list of " + typ, fields
	case reflect.Map:
		typ, fields := describeValue(reflect.New(v.Type().Elem()).Elem(), joinPath(path, "NAME"), within)
		return "map of " + typ, fields
	case reflect.Bool:
		return "boolean", nil
	case reflect.Int, reflect.Int64:
		return "whole number", nil
	case reflect.Float64:
		return "number", nil
	default:
		return "text", nil
	}
}

// held is the default that a struct itself carries.
func held(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		if !v.IsZero() {
			return fmt.Sprint(v.Interface())
		}
	}
	return ""
}
