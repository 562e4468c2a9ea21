package sdk

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

var (
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonType = reflect.TypeFor[json.Unmarshaler]()
)

// schemaOf is the JSON Schema of a config struct, with its values as the
// defaults; nil for no config.
func schemaOf(config any) ([]byte, error) {
	if config == nil {
		return nil, nil
	}
	s, err := typeSchema(reflect.ValueOf(config).Elem(), "Config")
	if err != nil {
		return nil, err
	}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	return json.Marshal(s)
}

// typeSchema describes the type of v; at names it in errors.
func typeSchema(v reflect.Value, at string) (map[string]any, error) {
	t := v.Type()
	switch {
	case reflect.PointerTo(t).Implements(jsonType):
		return map[string]any{}, nil
	case reflect.PointerTo(t).Implements(textType):
		return map[string]any{"type": "string"}, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer"}, nil
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}, nil
	case reflect.String:
		return map[string]any{"type": "string"}, nil
	case reflect.Interface:
		return map[string]any{}, nil
	case reflect.Pointer:
		return typeSchema(reflect.New(t.Elem()).Elem(), at)
	case reflect.Slice:
		items, err := typeSchema(reflect.New(t.Elem()).Elem(), at+"[]")
		return map[string]any{"type": "array", "items": items}, err
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			break
		}
		values, err := typeSchema(reflect.New(t.Elem()).Elem(), at+"[]")
		return map[string]any{"type": "object", "additionalProperties": values}, err
	case reflect.Struct:
		return structSchema(v, at)
	}
	return nil, fmt.Errorf("%s has the type %s, which a config cannot have", at, t)
}

func structSchema(v reflect.Value, at string) (map[string]any, error) {
	properties, required := map[string]any{}, []string{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		where := at + "." + f.Name
		if f.Anonymous || name == "" {
			return nil, fmt.Errorf("%s has no name: give it a tag such as json:\"max_lines\"", where)
		}
		s, err := typeSchema(v.Field(i), where)
		if err != nil {
			return nil, err
		}
		if doc := f.Tag.Get("doc"); doc != "" {
			s["description"] = doc
		}
		must, err := rules(s, f.Tag.Get("schema"), where)
		if err != nil {
			return nil, err
		}
		if must {
			required = append(required, name)
		} else if !v.Field(i).IsZero() && s["writeOnly"] == nil && f.Type.Kind() != reflect.Struct {
			s["default"] = v.Field(i).Interface()
		}
		properties[name] = s
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s, nil
}

// rules adds the rules of a schema tag to s and reports whether the field is required.
func rules(s map[string]any, tag, at string) (required bool, err error) {
	if tag == "" {
		return false, nil
	}
	for rule := range strings.SplitSeq(tag, ",") {
		key, value, _ := strings.Cut(rule, "=")
		switch key {
		case "required":
			required = true
		case "writeOnly":
			s["writeOnly"] = true
		case "minimum", "maximum":
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return false, fmt.Errorf("%s: %s takes a number, not %q", at, key, value)
			}
			s[key] = n
		case "enum":
			s["enum"] = strings.Split(value, "|")
		default:
			return false, fmt.Errorf("%s: the schema tag knows required, writeOnly, minimum, maximum and enum, not %q", at, key)
		}
	}
	return required, nil
}
