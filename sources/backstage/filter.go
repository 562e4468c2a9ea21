package backstage

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
)

// Filter is a set of conditions that an entity satisfies together, as in Backstage's own
// configuration: a key and its allowed value or values; without a value the key need only
// exist. In the file it is a mapping, or the text of Backstage's query parameter. An entity
// has to satisfy one of several filters.
//
// A filter that names kinds restricts only these. One that names none restricts every kind
// except User and Group, since identities and memberships must not depend on a filter of
// content.
type Filter struct {
	conditions []condition
}

type condition struct {
	key    string
	values []string // nil: the key is there
}

var _ config.Decodable = (*Filter)(nil)

// String is the filter as the query parameter.
func (f Filter) String() string {
	var out []string
	for _, c := range f.conditions {
		if c.values == nil {
			out = append(out, c.key)
		}
		for _, v := range c.values {
			out = append(out, c.key+"="+v)
		}
	}
	return strings.Join(out, ",")
}

// MarshalJSON is String.
func (f Filter) MarshalJSON() ([]byte, error) { return codec.Quote(nil, f.String()), nil }

// DecodeNode reads a mapping or a text.
func (f *Filter) DecodeNode(n *config.Node, d *config.Decoder) {
	if n.Kind() == config.Mapping {
		for _, e := range n.Entries() {
			f.add(n, d, e.Key, values(e.Value, d))
		}
		return
	}
	text, ok := d.Text(n)
	if !ok {
		return
	}
	for part := range strings.SplitSeq(text, ",") {
		key, value, equals := strings.Cut(part, "=")
		if equals {
			f.add(n, d, key, []string{value})
		} else {
			f.add(n, d, key, nil)
		}
	}
}

// DescribeConfig is a mapping or a text.
func (f *Filter) DescribeConfig() config.Field {
	return config.Field{Type: "text or map of text or list of text"}
}

// values are the texts of a scalar or a list, nil for an empty value.
func values(n *config.Node, d *config.Decoder) []string {
	if n.IsNull() {
		return nil
	}
	if n.Kind() != config.List {
		text, _ := d.Text(n)
		return []string{text}
	}
	out := []string{}
	for _, item := range n.Items() {
		text, _ := d.Text(item)
		out = append(out, text)
	}
	return out
}

func (f *Filter) add(n *config.Node, d *config.Decoder, key string, values []string) {
	key = strings.TrimSpace(key)
	if key == "" || strings.ContainsAny(key, ",=") {
		d.Problem(n, codeBackstage, "not a filter: its key is empty or contains a comma or =",
			"write the path of a field, as spec.lifecycle: production")
		return
	}
	if strings.HasSuffix(key, "!") || len(values) == 1 && strings.HasPrefix(values[0], "=") {
		d.Problem(n, codeBackstage, "not a filter: Backstage supports one = and no !=",
			"write metadata.namespace=default, or use a `keep` transform for anything else")
		return
	}
	for i, v := range values {
		if values[i] = strings.TrimSpace(v); strings.Contains(v, ",") {
			d.Problem(n, codeBackstage, "not a filter: Backstage cannot filter by a value that contains a comma",
				"use a `keep` transform for that")
			return
		}
	}
	for i, c := range f.conditions {
		if strings.EqualFold(c.key, key) && c.values != nil && values != nil {
			f.conditions[i].values = append(c.values, values...)
			return
		}
	}
	f.conditions = append(f.conditions, condition{key, values})
}

// restricts reports whether the filter applies to a kind.
func (f Filter) restricts(kind string) bool {
	for _, c := range f.conditions {
		if strings.EqualFold(c.key, "kind") && c.values != nil {
			for _, v := range c.values {
				if strings.EqualFold(v, kind) {
					return true
				}
			}
			return false
		}
	}
	return !isIdentity(kind)
}

// parameters are the values of `filter` that read one kind.
func parameters(kind string, filters []Filter) []string {
	base := "kind=" + strings.ToLower(kind)
	var out []string
	for _, f := range filters {
		if !f.restricts(kind) {
			continue
		}
		rest := Filter{}
		for _, c := range f.conditions {
			if !strings.EqualFold(c.key, "kind") {
				rest.conditions = append(rest.conditions, c)
			}
		}
		if len(rest.conditions) == 0 { // all of the kind
			return []string{base}
		}
		out = append(out, base+","+rest.String())
	}
	if out == nil {
		return []string{base}
	}
	return out
}
