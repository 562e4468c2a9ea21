package codec

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var (
	// usual options suit most documents: the library is twice as fast when names cannot repeat.
	// A document that they refuse is decoded again with the lenient options.
	usual   = jsontext.AllowInvalidUTF8(true)
	lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	strict  = json.JoinOptions(json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
)

// Decode decodes one JSON object into map[string]any, []any, string, float64, bool and nil.
// Data that is not exactly one object is an error.
func Decode(data []byte) (map[string]any, error) {
	var v any
	if json.Unmarshal(data, &v, usual) != nil {
		v = nil
		if err := json.Unmarshal(data, &v, lenient); err != nil {
			return nil, err
		}
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s where a JSON object is expected", kindName(jsontext.Value(data).Kind()))
	}
	return object, nil
}

// DecodeStrict is Decode for responses that decide something: repeated names in an object and
// invalid UTF-8 are errors.
func DecodeStrict(data []byte) (map[string]any, error) {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s where a JSON object is expected", kindName(jsontext.Value(data).Kind()))
	}
	return object, nil
}

// Unmarshal decodes JSON into a Go value and ignores unknown members.
func Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v, lenient) }

// UnmarshalStrict decodes a JSON value that a person or a program sends to this program. Unknown
// and duplicate names are errors.
func UnmarshalStrict(data []byte, v any) error {
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
}

// Marshal encodes v on one line. It returns an error for NaN, infinities and values that JSON
// cannot represent.
func Marshal(v any) ([]byte, error) {
	if object, is := v.(map[string]any); is {
		if out, ok := marshalObject(object); ok {
			return out, nil
		}
	}
	return json.Marshal(v, strict)
}

// MarshalIndent is Marshal with one member per line, indented by two spaces.
func MarshalIndent(v any) ([]byte, error) {
	return json.Marshal(v, strict, jsontext.WithIndent("  "))
}

// Quote appends s to b as a JSON string; invalid UTF-8 is replaced. Its output is that of
// jsontext.AppendQuote, in half of the time.
func Quote(b []byte, s string) []byte {
	b = append(slices.Grow(b, len(s)+2), '"')
	for from := 0; ; {
		i := unusual(s, from)
		b = append(b, s[from:i]...)
		if i == len(s) {
			return append(b, '"')
		}
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			from = i + n
			continue
		case c == '"', c == '\\':
			b = append(b, '\\', c)
		case letterEscapes[c] != 0:
			b = append(b, '\\', letterEscapes[c])
		default:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		from = i + 1
	}
}

// letterEscapes are the one-letter escapes of control characters.
var letterEscapes = [' ']byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}
