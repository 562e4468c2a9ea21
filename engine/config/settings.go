package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Value is one setting of a decoded struct as text; secrets are redacted.
type Value struct{ Path, Text string }

// Values lists what the struct that spec points to holds, in the order of its
// fields; empty settings are left out, and lists of named things give the
// names.
func Values(spec any) []Value {
	var out []Value
	listValues(reflect.ValueOf(spec).Elem(), "", &out)
	return out
}

// namesOf are the names of a list of things that have one: what they are made
// of is for the file to say.
func namesOf(v reflect.Value) (names []string, ok bool) {
	if v.Type().Elem().Kind() != reflect.Struct || v.Len() == 0 {
		return nil, false
	}
	for _, f := range fieldsOf(v.Type().Elem()) {
		if f.name != "name" || f.typ.Kind() != reflect.String {
			continue
		}
		for i := range v.Len() {
			names = append(names, v.Index(i).FieldByIndex(f.index).String())
		}
		return names, true
	}
	return nil, false
}

func listValues(v reflect.Value, path string, out *[]Value) {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if _, isSecret := v.Interface().(Secret); v.IsZero() && !isSecret {
			return
		}
		if text, err := m.MarshalText(); err == nil {
			*out = append(*out, Value{path, string(text)})
		}
		return
	}
	if _, isMap := v.Interface().(interface{ element() any }); isMap {
		for i := range v.Len() {
			e := v.Index(i)
			listValues(e.FieldByName("Value"), joinPath(path, e.FieldByName("Key").String()), out)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			listValues(v.FieldByIndex(f.index), joinPath(path, f.name), out)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			listValues(v.Elem(), path, out)
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			listValues(v.MapIndex(k), joinPath(path, k.String()), out)
		}
	case reflect.Slice:
		if names, ok := namesOf(v); ok {
			*out = append(*out, Value{path, strings.Join(names, ", ")})
			return
		}
		for i := range v.Len() {
			listValues(v.Index(i), fmt.Sprintf("%s.%d", path, i), out)
		}
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		if v.Kind() == reflect.String && v.IsZero() {
			return
		}
		*out = append(*out, Value{path, fmt.Sprint(v.Interface())})
	}
}

// SecretHolder is a Decodable with secrets inside.
type SecretHolder interface {
	Secrets() []Secret
}

// Destined is a part of a configuration whose secrets are sent to an address of its own,
// and not to that of the component: the password of a proxy, the secret of an OAuth client.
// "" means that the address is not known.
type Destined interface {
	SecretAddress() string
}

// Secrets lists the secrets that the struct that spec points to holds, for
// whoever has to keep them out of what comes back from outside.
func Secrets(spec any) []Secret {
	var out []Secret
	eachSecret(spec, "", func(s Secret, _ string) { out = append(out, s) })
	return out
}

// eachSecret calls do with every secret that the struct that spec points to holds, and with
// the address that it is sent to.
func eachSecret(spec any, address string, do func(s Secret, address string)) {
	var walk func(v reflect.Value, to string)
	walk = func(v reflect.Value, to string) {
		if s, ok := v.Interface().(Secret); ok {
			if s.IsSet() {
				do(s, to)
			}
			return
		}
		if v.Kind() != reflect.Pointer || !v.IsNil() {
			if other, ok := v.Interface().(Destined); ok {
				to = other.SecretAddress()
			}
		}
		if holder, ok := v.Interface().(SecretHolder); ok {
			for _, s := range holder.Secrets() {
				if s.IsSet() {
					do(s, to)
				}
			}
			return
		}
		switch v.Kind() {
		case reflect.Struct:
			if isDecodable(v.Type()) {
				return
			}
			for _, f := range fieldsOf(v.Type()) {
				walk(v.FieldByIndex(f.index), to)
			}
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem(), to)
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k), to)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), to)
			}
		}
	}
	walk(reflect.ValueOf(spec).Elem(), address)
}
