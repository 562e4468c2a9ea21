package config

import (
	"encoding"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

var nodeType = reflect.TypeFor[*Node]()

// value decodes n into v. A problem about an absent n is reported at near.
func (d *Decoder) value(n *Node, v reflect.Value, near *Node) {
	if n != nil && n.broken {
		d.settled[n] = true
		return
	}
	if v.Type() == nodeType {
		if !n.IsNull() {
			v.Set(reflect.ValueOf(n))
		}
		return
	}
	if decodable, ok := v.Addr().Interface().(Decodable); ok {
		if !n.IsNull() {
			decodable.DecodeNode(n, d)
		}
		return
	}
	if v.Kind() == reflect.Struct {
		d.structure(n, v, near)
		return
	}
	if n.IsNull() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		applyDefaults(fresh.Elem())
		d.value(n, fresh.Elem(), n)
		if !d.settled[n] && !d.blank[n] {
			v.Set(fresh)
		}
	case reflect.Slice:
		d.list(n, v)
	case reflect.Map:
		d.mapping(n, v)
	default:
		d.scalar(n, v)
	}
}

func (d *Decoder) list(n *Node, v reflect.Value) {
	if n.kind != List {
		d.wrongKind(n, "a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(n.items))
	for _, item := range n.items {
		if item.null && !item.broken {
			d.wrongKind(item, "an item of the list")
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		applyDefaults(element)
		d.value(item, element, item)
		out = reflect.Append(out, element)
	}
	v.Set(out)
}

// mapping decodes n into a map and keeps entries of the map that n does not have.
func (d *Decoder) mapping(n *Node, v reflect.Value) {
	if n.kind != Mapping {
		d.wrongKind(n, "a mapping")
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, e := range n.entries {
		if e.Value.null {
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		applyDefaults(element)
		d.value(e.Value, element, e.Value)
		if !d.settled[e.Value] && !d.blank[e.Value] {
			v.SetMapIndex(reflect.ValueOf(e.Key).Convert(v.Type().Key()), element)
		}
	}
}

// scalar decodes text into a boolean, a number, a string or an encoding.TextUnmarshaler.
func (d *Decoder) scalar(n *Node, v reflect.Value) {
	r, ok := d.resolve(n, false)
	if !ok {
		return
	}
	if r.variable && r.text == "" && v.Kind() != reflect.String {
		d.blank[n] = true
		return
	}
	err := parseText(r.text, v, r.variable)
	if err == nil {
		return
	}
	var why valueError
	errors.As(err, &why)
	subject := quote(r.text)
	if r.variable {
		subject = "the value of " + n.text
		if strings.Contains(why.hint, r.text) {
			why.hint = ""
		}
	}
	d.Problem(n, codeInvalid, subject+" is "+why.message, why.hint)
}

// parseText sets v from text. Its errors are of type valueError. Booleans in the value of a
// variable may also be yes, no, on, off, 1 and 0.
func parseText(text string, v reflect.Value, variable bool) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		b, err := parseBool(text, variable)
		v.SetBool(b)
		return err
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(strings.TrimSpace(text), 10, v.Type().Bits())
		if errors.Is(err, strconv.ErrRange) {
			return valueError{"not a whole number: it is too large", ""}
		}
		if err != nil {
			return valueError{"not a whole number", "use digits only, as 500"}
		}
		v.SetInt(i)
		return nil
	case reflect.Float64:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return valueError{"not a number", "write a number, as 0.5"}
		}
		v.SetFloat(f)
		return nil
	}
	panic("config: a field of type " + v.Type().String() + " cannot be decoded")
}

func parseBool(text string, variable bool) (bool, error) {
	word := strings.ToLower(strings.TrimSpace(text))
	switch {
	case word == "true" || variable && (word == "yes" || word == "on" || word == "1"):
		return true, nil
	case word == "false" || variable && (word == "no" || word == "off" || word == "0"):
		return false, nil
	}
	switch word {
	case "yes", "on", "1":
		return false, valueError{"not a boolean", "write true"}
	case "no", "off", "0":
		return false, valueError{"not a boolean", "write false"}
	}
	return false, valueError{"not a boolean", "write true or false"}
}

// quote returns a text of the file in quotation marks, cut to 60 characters, for a message.
func quote(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return strconv.Quote(text)
}
