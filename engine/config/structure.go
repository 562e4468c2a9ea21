package config

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// structure decodes a mapping into a struct. The required fields and Validate of an absent
// mapping are checked too; their problems are reported at near.
func (d *Decoder) structure(n *Node, v reflect.Value, near *Node) {
	if !n.IsNull() && n.kind != Mapping {
		d.wrongKind(n, "a mapping")
		return
	}
	if !n.IsNull() {
		near = n
	}
	fields := fieldsOf(v.Type())
	meant := d.unknownKeys(n, fields, removedKeys(v))
	d.preset(n, v)
	missing := map[string]bool{}
	for _, f := range fields {
		fv := v.FieldByIndex(f.index)
		value := n.Get(f.name)
		f.required = f.required && (!f.preset || n.Get("preset").IsNull())
		if value == nil && f.required && slices.Contains(meant, f.name) { // reported where it is misspelt
			missing[f.name] = true
			continue
		}
		if f.required && value.IsNull() && isBlock(fv) { // and not what it would have
			d.missing(f, value, near)
			missing[f.name] = true
			continue
		}
		if !f.file || !d.namesFile(value, fv) {
			d.value(value, fv, cmp.Or(value, near))
		}
		if f.path && !value.IsNull() && fv.String() != "" {
			fv.SetString(value.fromFolder(fv.String()))
			if !d.vars.readable(fv.String()) {
				fv.SetString("")
				d.leave(value)
			}
		}
		missing[f.name] = !d.check(f, fv, value, near)
	}
	d.validate(n, v, near, missing)
}

// isBlock reports whether a field is a struct with keys of its own.
func isBlock(v reflect.Value) bool { return v.Kind() == reflect.Struct && !isDecodable(v.Type()) }

// Presetter is a struct with defaults that depend on its key preset.
type Presetter interface {
	// ApplyPreset sets the defaults of a name, and nothing for an unknown one.
	ApplyPreset(name string)
}

// preset applies the defaults of the key preset before the other keys are decoded.
func (d *Decoder) preset(n *Node, v reflect.Value) {
	p, ok := v.Addr().Interface().(Presetter)
	if name := n.Get("preset"); ok && name.Kind() == Scalar && !name.IsNull() {
		// problems come with the field
		if text, known := (&Decoder{vars: d.vars, settled: map[*Node]bool{}}).Text(name); known {
			p.ApplyPreset(text)
		}
	}
}

// KeyRemover is implemented by a struct that used to have other keys.
type KeyRemover interface {
	// RemovedKeys returns, by removed key, the hint that says what to do instead.
	RemovedKeys() map[string]string
}

func removedKeys(v reflect.Value) map[string]string {
	if r, ok := v.Addr().Interface().(KeyRemover); ok {
		return r.RemovedKeys()
	}
	return nil
}

// unknownKeys reports the keys that are not fields, and returns the field names that they
// most likely misspell.
func (d *Decoder) unknownKeys(n *Node, fields []field, removed map[string]string) (meant []string) {
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.name
	}
	for _, e := range n.Entries() {
		if slices.Contains(known, e.Key) {
			continue
		}
		if hint, ok := removed[e.Key]; ok {
			d.KeyProblem(e, codeUnknownKey, "the key "+quote(e.Key)+" was removed", hint)
			continue
		}
		for _, f := range fields {
			if f.typ == secretType && slices.Contains(nearest(e.Key, known), f.name) {
				e.Value.hide()
			}
		}
		d.UnknownKey(e, known)
		meant = append(meant, nearest(e.Key, known)...)
	}
	return meant
}

// check applies the tags of a field to its decoded value. It returns false when the field is
// required and missing.
func (d *Decoder) check(f field, v reflect.Value, n, near *Node) bool {
	if d.Unresolved(n) {
		return true
	}
	if f.required && isEmpty(v, n.IsNull() || d.blank[n]) {
		d.missing(f, n, near)
		return false
	}
	if n.IsNull() || d.blank[n] || v.Kind() == reflect.Pointer && v.IsNil() {
		return true
	}
	v = reflect.Indirect(v)
	if len(f.enum) > 0 && !slices.Contains(f.enum, v.String()) {
		hint := "write one of: " + strings.Join(f.enum, ", ")
		if near := Nearest(n.text, f.enum); near != "" {
			hint = "did you mean " + near + "?\n" + hint
		}
		d.Problem(n, codeNotAllowed, d.shown(n)+" is not one of the allowed values", hint)
	}
	if f.min != "" && less(v, bound(f.min, v.Type())) {
		d.Problem(n, codeOutOfRange, d.shown(n)+" is too small", "write "+f.min+" or more")
	}
	if f.max != "" && less(bound(f.max, v.Type()), v) {
		d.Problem(n, codeOutOfRange, d.shown(n)+" is too large", "write "+f.max+" or less")
	}
	return true
}

// shown returns a text for the value of a scalar that does not quote the value of a variable.
func (d *Decoder) shown(n *Node) string {
	if parts, _ := parseTemplate(n.text); !n.fixed &&
		slices.ContainsFunc(parts, func(p part) bool { return p.name != "" }) {
		return "the value of " + n.text
	}
	return quote(n.text)
}

func (d *Decoder) missing(f field, n, near *Node) {
	if n == nil {
		hint := "add " + f.name + ": …"
		if f.doc != "" {
			hint += "   (" + f.doc + ")"
		}
		d.fail(near.keySpan(), nil, codeRequired, quote(f.name)+" is required and missing", hint)
		return
	}
	d.empty(f.name, n)
}

func (d *Decoder) empty(name string, n *Node) {
	hint := "give it a value"
	if n.kind == Scalar && strings.Contains(n.text, "${") {
		hint = n.text + " is empty: set it in .env or in the environment"
	}
	d.fail(n.ownSpan(), n, codeRequired, quote(name)+" is required and empty", hint)
}

// validate runs the checks of a struct and of its inlined structs. A check promoted from an
// inlined struct runs twice, and its problems are reported once.
func (d *Decoder) validate(n *Node, v reflect.Value, near *Node, missing map[string]bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == ",inline" {
			d.validate(n, v.Field(i), near, missing)
		}
	}
	if !v.CanInterface() {
		return
	}
	if validator, ok := v.Addr().Interface().(Validator); ok {
		validator.Validate(d.reporter(n, near, missing, false))
	}
	if cautioner, ok := v.Addr().Interface().(Cautioner); ok {
		cautioner.Caution(d.reporter(n, near, missing, true))
	}
}

// reporter places what a struct says of itself.
func (d *Decoder) reporter(n, near *Node, missing map[string]bool, warning bool) func(field, code, message,
	hint string) {
	return func(field, code, message, hint string) {
		var about *Node
		field, atKey := strings.CutSuffix(field, ":")
		var unset []string
		for key := range strings.FieldsSeq(field) {
			value := find(n, key)
			if d.Unresolved(value) && !atKey || missing[key] {
				return
			}
			about = cmp.Or(about, value)
			if name := d.emptyVariable(value); name != "" {
				unset = append(unset, name)
			}
		}
		if field == "" && slices.ContainsFunc(n.Entries(), func(e Entry) bool { return d.Unresolved(e.Value) }) {
			return
		}
		if code == codeRequired && !warning && about != nil && about.key == field && len(unset) == 0 {
			d.empty(field, about)
			return
		}
		at := near.keySpan()
		switch {
		case about != nil && atKey:
			at = about.keySpan()
		case about != nil:
			at = about.ownSpan()
		}
		if len(unset) > 0 {
			hint = strings.TrimPrefix(hint+"\n", "\n") + "set " + strings.Join(unset, " or ") + " in the environment or in .env"
		}
		at.Warning = warning
		d.fail(at, nil, code, message, hint)
	}
}

// find returns the node at a dotted path of keys and item indexes, or nil when there is none.
func find(n *Node, path string) *Node {
	for key := range strings.SplitSeq(path, ".") {
		if i, ok := index(key); ok && i < len(n.Items()) {
			n = n.Items()[i]
			continue
		}
		n = n.Get(key)
	}
	return n
}

// isEmpty reports whether a required value is missing. Zero and false are values when the
// file has them.
func isEmpty(v reflect.Value, absent bool) bool {
	if s, ok := v.Addr().Interface().(interface{ IsSet() bool }); ok {
		return !s.IsSet()
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.String, reflect.Pointer, reflect.Struct:
		return v.IsZero()
	default:
		return v.IsZero() && absent
	}
}

func bound(text string, t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	if err := setText(text, v); err != nil {
		panic("config: the bound " + text + " is " + err.Error())
	}
	return v
}

func less(a, b reflect.Value) bool {
	if a.CanInt() {
		return a.Int() < b.Int()
	}
	return a.Float() < b.Float()
}
