package config

import (
	"regexp"
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
