package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Field describes one key of a component spec for documentation and schema.
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
	Choice   []string `json:"choice,omitempty"` // the names of Fields that exclude each other; exactly one is set

	Optional bool `json:"-"` // whether a mapping may be absent although it has required fields
}

// Below returns the field with its path, and the paths of its Fields, placed below path.
func (f Field) Below(path string) Field {
	f.Path = joinPath(path, f.Path)
	f.Fields = slices.Clone(f.Fields)
	for i, inner := range f.Fields {
		f.Fields[i] = inner.Below(path)
	}
	return f
}

// Field returns the inner field of a name. ok is false when there is none.
func (f Field) Field(name string) (Field, bool) {
	i := slices.IndexFunc(f.Fields, func(inner Field) bool { return inner.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return f.Fields[i], true
}

// Described is a Decodable type that describes its shape: Type, Enum, Fields and Choice. The
// tags of a struct field with this type supply the rest, such as Doc and Default.
type Described interface {
	DescribeConfig() Field
}

// Describe returns the fields of the struct that into points to. A default comes from the
// tag, else from the value in the struct; the value of a secret is never shown.
func Describe(into any) []Field {
	return describeStruct(reflect.ValueOf(into).Elem(), "", nil)
}

// DescribeType returns the shape of the value of any supported type that into points to. The
// caller fills in Name and Doc.
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

// describeValue returns the shape of a value. A type inside itself has no Fields.
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
	case Date:
		return Field{Type: "date"}
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

// held returns the value in the struct as a default, or "" when it is zero.
func held(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		if !v.IsZero() {
			return fmt.Sprint(v.Interface())
		}
	}
	return ""
}
