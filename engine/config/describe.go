package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Field is what documentation and schema say about one key of a component
// spec.
type Field struct {
	Name string `json:"name"`
	Path string `json:"path"` // from the described struct, lists and maps as [] and NAME
	// text, boolean, whole number, number, duration, size, share, expression, list, secret, any, mapping, list of …, map
	// of …, … or …
	Type     string   `json:"type"`
	Default  string   `json:"default,omitempty"`
	Doc      string   `json:"doc"`
	Required bool     `json:"required,omitzero"`
	Secret   bool     `json:"secret,omitzero"`
	Min      string   `json:"min,omitempty"`
	Max      string   `json:"max,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Fields   []Field  `json:"fields,omitempty"` // of a mapping, or of the elements of a list or map
	Choice   []string `json:"choice,omitempty"` // the names of those Fields of which exactly one stands

	Optional bool `json:"-"` // whether a mapping may be absent with all it requires
}

// Below is the field with its path, and those of what is within, put below
// another one.
func (f Field) Below(path string) Field {
	f.Path = joinPath(path, f.Path)
	f.Fields = slices.Clone(f.Fields)
	for i, inner := range f.Fields {
		f.Fields[i] = inner.Below(path)
	}
	return f
}

// Field is the field of a name within.
func (f Field) Field(name string) (Field, bool) {
	i := slices.IndexFunc(f.Fields, func(inner Field) bool { return inner.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return f.Fields[i], true
}

// Described is a Decodable type that says what its shape is: Type, Enum, Fields
// and Choice. Doc, default and the like come from the tags of the field that has
// the type.
type Described interface {
	DescribeConfig() Field
}

// Describe lists the fields of the struct that into points to. A default is
// the tag's, or else what the struct holds; a secret's is never shown.
func Describe(into any) []Field {
	return describeStruct(reflect.ValueOf(into).Elem(), "", nil)
}

// DescribeType is the shape of what into points to, whatever it is; name and doc
// are for the caller to fill in.
func DescribeType(into any) Field {
	return describeValue(reflect.ValueOf(into).Elem(), "", nil)
}

func describeStruct(v reflect.Value, path string, within []reflect.Type) []Field {
	var out []Field
	for _, f := range fieldsOf(v.Type()) {
		fv := v.FieldByIndex(f.index)
		field := describeValue(fv, joinPath(path, f.name), append(within, v.Type()))
		field.Name, field.Path, field.Default, field.Doc = f.name, joinPath(path, f.name), f.def, f.doc
		field.Required, field.Min, field.Max = f.required && !f.preset, f.min, f.max
		if f.enum != nil {
			field.Enum = f.enum
		}
		field.Secret = strings.HasSuffix(field.Type, "secret")
		if !f.hasDefault && field.Fields == nil && !field.Secret {
			field.Default = held(fv)
		}
		out = append(out, field)
	}
	return out
}

// describeValue is the shape of a value; a type inside itself is listed once.
func describeValue(v reflect.Value, path string, within []reflect.Type) Field {
	of := func(prefix string, element reflect.Value, path string) Field {
		f := describeValue(element, path, within)
		f.Type = prefix + f.Type
		return f
	}
	if described, ok := v.Addr().Interface().(Described); ok {
		return described.DescribeConfig().Below(path)
	}
	if m, ok := v.Interface().(interface{ element() any }); ok {
		return of("map of ", reflect.ValueOf(m.element()).Elem(), joinPath(path, "NAME"))
	}
	switch v.Interface().(type) {
	case Secret:
		return Field{Type: "secret"}
	case Duration:
		return Field{Type: "duration"}
	case Bytes:
		return Field{Type: "size"}
	case Share:
		return Field{Type: "share"}
	case Expression:
		return Field{Type: "expression"}
	case ExpressionOrList:
		return Field{Type: "expression or list"}
	}
	if isDecodable(v.Type()) {
		return Field{Type: "any"}
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, t := range within {
			if t == v.Type() {
				return Field{Type: "mapping"}
			}
		}
		return Field{Type: "mapping", Fields: describeStruct(v, path, within)}
	case reflect.Pointer:
		f := of("", reflect.New(v.Type().Elem()).Elem(), path)
		f.Optional = true
		return f
	case reflect.Slice:
		return of("list of ", reflect.New(v.Type().Elem()).Elem(), path+"[]")
	case reflect.Map:
		return of("map of ", reflect.New(v.Type().Elem()).Elem(), joinPath(path, "NAME"))
	case reflect.Bool:
		return Field{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return Field{Type: "whole number"}
	case reflect.Float64:
		return Field{Type: "number"}
	default:
		return Field{Type: "text"}
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
