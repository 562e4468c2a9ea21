package config

import (
	"regexp"
	"slices"
	"strconv"
)

// number is how JSON writes one; what else looks like a number is text, such as
// a version with two points or a date.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// Value is what the node holds, taken literally, as JSON has it: nil, bool,
// float64, string, []any or map[string]any. No variable is replaced in it.
func (n *Node) Value() any {
	switch {
	case n.IsNull():
		return nil
	case n.kind == Mapping:
		out := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			out[e.Key] = e.Value.Value()
		}
		return out
	case n.kind == List:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = item.Value()
		}
		return out
	case n.style != plain:
		return n.text
	case n.text == "true", n.text == "false":
		return n.text == "true"
	case number.MatchString(n.text):
		if f, err := strconv.ParseFloat(n.text, 64); err == nil {
			return f
		}
	}
	return n.text
}

// Same reports whether two nodes have the same content, whatever their places, comments and white
// space: the same entries in the same order, items, and scalars as they are written, with their
// variables. Quotes count: they make text of a number.
func (n *Node) Same(other *Node) bool {
	if n == nil || other == nil {
		return n == nil && other == nil
	}
	if n.kind != other.kind || n.null != other.null || n.text != other.text || n.broken || other.broken ||
		(n.style == plain) != (other.style == plain) {
		return false
	}
	return slices.EqualFunc(n.entries, other.entries, func(a, b Entry) bool {
		return a.Key == b.Key && a.Value.Same(b.Value)
	}) && slices.EqualFunc(n.items, other.items, (*Node).Same)
}
