package config

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// The core schema of YAML 1.2, as the JavaScript library yaml has it: yes, no, on
// and off are texts, and so are dates.
var (
	coreNull  = regexp.MustCompile(`^(?:~|[Nn]ull|NULL)?$`)
	coreBool  = regexp.MustCompile(`^(?:[Tt]rue|TRUE|[Ff]alse|FALSE)$`)
	coreOctal = regexp.MustCompile(`^0o[0-7]+$`)
	coreInt   = regexp.MustCompile(`^[-+]?[0-9]+$`)
	coreHex   = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	coreNaN   = regexp.MustCompile(`^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$`)
	coreFloat = regexp.MustCompile(`^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$`)
)

// scalarOf is the value of a scalar. Infinities and NaN are nil, as JSON has none.
func scalarOf(n *yaml.Node) any {
	const notPlain = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	switch {
	case n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!null" && n.Tag != "!!bool" && n.Tag != "!!int" && n.Tag != "!!float":
		return n.Value
	case n.Style&yaml.TaggedStyle == 0 && n.Style&notPlain != 0:
		return n.Value
	}
	text := n.Value
	switch {
	case coreNull.MatchString(text), coreNaN.MatchString(text):
		return nil
	case coreBool.MatchString(text):
		return text[0] == 't' || text[0] == 'T'
	case coreOctal.MatchString(text):
		return integer(text[2:], 8)
	case coreHex.MatchString(text):
		return integer(text[2:], 16)
	case coreInt.MatchString(text), coreFloat.MatchString(text):
		f, _ := strconv.ParseFloat(text, 64)
		if math.IsInf(f, 0) {
			return nil
		}
		return f
	}
	return text
}

func integer(digits string, base float64) any {
	f := 0.0
	for _, c := range strings.ToLower(digits) {
		d := float64(c - '0')
		if c >= 'a' {
			d = float64(c-'a') + 10
		}
		f = f*base + d
	}
	if math.IsInf(f, 0) {
		return nil
	}
	return f
}

// jsNumber is a number as JavaScript writes it in the name of a member.
func jsNumber(v any) any {
	f, ok := v.(float64)
	switch {
	case !ok:
		return v
	case f == 0:
		return "0"
	case math.Abs(f) >= 1e21 || math.Abs(f) < 1e-6:
		text := strconv.FormatFloat(f, 'e', -1, 64)
		text = strings.Replace(text, "e+0", "e+", 1)
		return strings.Replace(text, "e-0", "e-", 1)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
