package config

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Encode returns a struct with the tags of a component spec as YAML that decodes to the same
// struct. Fields keep their order, and empty fields are left out. The keys of within nest the
// result, outermost first. Secrets cannot be encoded.
func Encode(spec any, within ...string) ([]byte, error) {
	node := encodeValue(reflect.ValueOf(spec).Elem(), false)
	for i := len(within) - 1; i >= 0; i-- {
		node = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{textNode(within[i]), node}}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}

// encodeValue returns the YAML node of a value, or nil when the value is empty.
func encodeValue(v reflect.Value, file bool) *yaml.Node {
	switch v.Kind() {
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range fieldsOf(v.Type()) {
			if value := encodeValue(v.FieldByIndex(f.index), f.file); value != nil {
				n.Content = append(n.Content, textNode(f.name), value)
			}
		}
		return n
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		if v.Elem().Kind() == reflect.Bool {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Elem().Bool())}
		}
		return encodeValue(v.Elem(), false)
	case reflect.Slice:
		if v.Len() == 0 {
			return nil
		}
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			item := encodeValue(v.Index(i), false)
			if item == nil {
				item = textNode("")
			}
			n.Content = append(n.Content, item)
		}
		return n
	case reflect.String:
		text := v.String()
		if _, named := FileNamed(text); text == "" || file && named {
			return emptyOr(text)
		}
		return textNode(strings.ReplaceAll(text, "${", "$${"))
	case reflect.Bool:
		if !v.Bool() {
			return nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
	case reflect.Int, reflect.Int64:
		if v.Int() == 0 {
			return nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Int(), 10)}
	}
	panic("config: a field of type " + v.Type().String() + " cannot be encoded")
}

func emptyOr(text string) *yaml.Node {
	if text == "" {
		return nil
	}
	return textNode(text)
}

// textNode returns a text scalar, quoted where YAML would not read it as text.
func textNode(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}
