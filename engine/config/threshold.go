package config

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Threshold is how many of a number of things may be affected before a guard
// refuses: a share (20%), a count (15), or the larger of both.
type Threshold struct {
	Share Share
	Items int
	// Plain means that the file gives a share alone. Its floor is the guard's own.
	Plain bool
	given bool // distinguishes 0 from an absent value
}

// thresholdFields is a Threshold that is written as a mapping.
type thresholdFields struct {
	Share Share `yaml:"share" required:"true" doc:"A share of the whole, such as 1%."`
	Items int   `yaml:"items" required:"true" min:"0" doc:"A number of items."`
}

var (
	_ Decodable = (*Threshold)(nil)
	_ Described = Threshold{}
)

var wholeNumber = regexp.MustCompile(`^[0-9]+$`)

const thresholdHint = "write a share as 20%, a count as 15, 0 for none, or {share: 1%, items: 20} for the larger of " +
	"the two"

// UnmarshalText reads a share or a count.
func (t *Threshold) UnmarshalText(text []byte) error {
	trimmed := strings.TrimSpace(string(text))
	if n, err := strconv.Atoi(trimmed); err == nil && bareNumber.MatchString(trimmed) {
		*t = Threshold{Items: n, given: true}
		return nil
	}
	if wholeNumber.MatchString(trimmed) {
		return valueError{"neither a share nor a count: it is too large", thresholdHint}
	}
	var share Share
	if err := share.UnmarshalText(text); err != nil {
		why, _ := err.(valueError)
		if !strings.HasPrefix(why.hint, "write ") || !strings.Contains(why.message, "the % is missing") {
			why.hint = thresholdHint
		}
		return valueError{strings.Replace(why.message, "not a share", "neither a share nor a count", 1), why.hint}
	}
	*t = Threshold{Share: share, Plain: share > 0, given: true}
	return nil
}

// DecodeNode reads a scalar, or a mapping with both share and items.
func (t *Threshold) DecodeNode(n *Node, d *Decoder) {
	switch n.kind {
	case Scalar:
		d.scalar(n, reflect.ValueOf(t).Elem())
	case Mapping:
		var f thresholdFields
		before := len(d.problems)
		d.Decode(n, &f)
		if len(d.problems) == before {
			*t = Threshold{Share: f.Share, Items: f.Items, given: true}
		}
	default:
		d.Problem(n, codeWrongKind, n.describe()+" where a share or a count is expected", thresholdHint)
	}
}

// DescribeConfig is the shape.
func (Threshold) DescribeConfig() Field {
	return Field{Type: "share or whole number or mapping", Fields: Describe(&thresholdFields{})}
}
