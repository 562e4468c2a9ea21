package component

import (
	"slices"

	"github.com/pipe-engine/pipe/engine/expression"
)

// CutLimit bounds the value of a field. A text longer than Bytes is cut and ends with an
// ellipsis, and so is each text of a list. A list longer than Items loses its last elements.
// The document is sent all the same.
type CutLimit struct{ Bytes, Items int }

// May reports whether values may be cut.
func (c CutLimit) May() bool { return c != CutLimit{} }

// Apply cuts a string or a []string; cut reports whether anything was cut.
func (c CutLimit) Apply(v any) (out any, cut bool) {
	switch v := v.(type) {
	case string:
		if c.Bytes > 0 && len(v) > c.Bytes {
			return expression.CutText(v, c.Bytes), true
		}
	case []string:
		list := v
		if c.Items > 0 && len(list) > c.Items {
			list, cut = list[:c.Items:c.Items], true
		}
		if !cut && !slices.ContainsFunc(list, func(s string) bool { return c.Bytes > 0 && len(s) > c.Bytes }) {
			break
		}
		for i, s := range list {
			if c.Bytes > 0 && len(s) > c.Bytes {
				if &list[0] == &v[0] {
					list = slices.Clone(list)
				}
				list[i], cut = expression.CutText(s, c.Bytes), true
			}
		}
		return list, cut
	}
	return v, cut
}
