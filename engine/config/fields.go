package config

import (
	"fmt"
	"reflect"
	"strings"
)

// field is what the tags of a struct field say.
type field struct {
	name       string
	index      []int
	typ        reflect.Type
	doc        string
	def        string
	hasDefault bool
	required   bool
	preset     bool // required where no preset gives it
	min, max   string
	enum       []string
	file       bool // a text that may be ${file:PATH}
	path       bool // a path that starts from the folder of the pipeline file
}

// relativePath ends the description of each path.
const relativePath = " A relative path starts from the folder of this file."

// fieldsOf lists the fields of a component spec, those of inlined structs in
// place. It panics on a spec that cannot be: see CheckSpec.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, ok := sf.Tag.Lookup("yaml")
		name, option, _ := strings.Cut(tag, ",")
		inline := option == "inline"
		if !ok || tag == "-" || !sf.IsExported() && !inline {
			continue
		}
		if inline {
			for _, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
				out = append(out, f)
			}
			continue
		}
		f := field{name: name, index: []int{i}, typ: sf.Type, doc: sf.Tag.Get("doc"),
			required: sf.Tag.Get("required") != "", preset: sf.Tag.Get("required") == "preset",
			file: sf.Tag.Get("file") == "true", path: sf.Tag.Get("path") == "true", min: sf.Tag.Get("min"),
			max: sf.Tag.Get("max")}
		if f.path {
			f.doc += relativePath
		}
		f.def, f.hasDefault = sf.Tag.Lookup("default")
		if enum := sf.Tag.Get("enum"); enum != "" {
			f.enum = strings.Split(enum, "|")
		}
		out = append(out, f)
	}
	return out
}

// applyDefaults fills the empty fields of a struct that have a default, also
// those of structs within.
func applyDefaults(v reflect.Value) {
	if v.Kind() != reflect.Struct || isDecodable(v.Type()) {
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		fv := v.FieldByIndex(f.index)
		switch {
		case f.hasDefault && fv.IsZero():
			if err := setText(f.def, fv); err != nil {
				panic(fmt.Sprintf("config: the default %q of %s.%s is %v", f.def, v.Type(), f.name, err))
			}
		case fv.Kind() == reflect.Struct:
			applyDefaults(fv)
		}
	}
}

// setText sets a field from a text of its tags.
func setText(text string, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return setText(text, v.Elem())
	}
	switch target := v.Addr().Interface().(type) {
	case *Expression:
		target.Text = text
	case *ExpressionOrList:
		target.Expression.Text = text
	default:
		return parseText(text, v, false)
	}
	return nil
}

func isDecodable(t reflect.Type) bool {
	return t == nodeType || reflect.PointerTo(t).Implements(reflect.TypeFor[Decodable]())
}
