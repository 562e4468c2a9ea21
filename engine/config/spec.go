package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// CheckSpec says what is wrong with the tags of a component spec: for the tests
// of those who declare one. Every exported field has a yaml tag (or yaml:"-")
// and a doc, keys are unique, types can be decoded, and defaults, bounds and
// enums are values of their field.
func CheckSpec(into any) error {
	return checkStruct(reflect.TypeOf(into).Elem(), map[reflect.Type]bool{})
}

func checkStruct(t reflect.Type, seen map[reflect.Type]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	var errs []error
	bad := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s.%s: %s", t, name, fmt.Sprintf(format, args...)))
	}
	for _, name := range untagged(t) {
		bad(name, "the yaml tag is missing")
	}
	names := map[string]bool{}
	for _, f := range fieldsOf(t) {
		if f.name == "" || names[f.name] {
			bad(f.name, "the key is empty or declared twice")
		}
		names[f.name] = true
		if f.doc == "" {
			bad(f.name, "the doc tag is missing")
		}
		if err := checkTags(f); err != nil {
			bad(f.name, "%v", err)
		}
		if err := checkType(f.typ, seen); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// untagged are the exported fields of a struct without a yaml tag.
func untagged(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, ok := sf.Tag.Lookup("yaml")
		switch {
		case tag == ",inline":
			names = append(names, untagged(sf.Type)...)
		case !ok && sf.IsExported():
			names = append(names, sf.Name)
		}
	}
	return names
}

func checkTags(f field) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	base := f.typ
	if base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if f.hasDefault {
		if err := setText(f.def, reflect.New(base).Elem()); err != nil {
			return fmt.Errorf("the default %s is %w", strconv.Quote(f.def), err)
		}
	}
	if f.required && f.hasDefault {
		return errors.New("a required field has no default")
	}
	if len(f.enum) > 0 && base.Kind() != reflect.String {
		return errors.New("only texts have an enum")
	}
	if f.file && base.Kind() != reflect.String {
		return errors.New("only texts may be files")
	}
	if f.path && f.typ.Kind() != reflect.String {
		return errors.New("only texts are paths")
	}
	if strings.HasSuffix(f.name, "_file") && base.Kind() == reflect.String && !f.path {
		return errors.New(`a key that ends with _file needs the tag path:"true"`)
	}
	for _, text := range []string{f.min, f.max} {
		if text != "" {
			less(bound(text, base), bound(text, base))
		}
	}
	return nil
}

func checkType(t reflect.Type, seen map[reflect.Type]bool) error {
	if isDecodable(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return checkStruct(t, seen)
	case reflect.Pointer, reflect.Slice:
		return checkType(t.Elem(), seen)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return fmt.Errorf("%s: the keys of a map are texts", t)
		}
		return checkType(t.Elem(), seen)
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		return nil
	}
	return fmt.Errorf("%s: this type cannot be decoded", t)
}
