package codec

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var (
	// usual is what documents look like: the library is twice as fast where
	// names cannot repeat. What it refuses is read again as lenient.
	usual   = jsontext.AllowInvalidUTF8(true)
	lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	strict  = json.JoinOptions(json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
)

// Decode reads one JSON object into map[string]any, []any, string, float64,
// bool and nil. Anything but exactly one object is an error.
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

// DecodeStrict is Decode for an answer that decides something: a name that
// repeats in an object and invalid UTF-8 are errors.
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

// Unmarshal reads JSON into a Go value; unknown members are passed over.
func Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v, lenient) }

// Marshal writes v in one line. It fails on NaN, infinities and on values that
// JSON cannot hold.
func Marshal(v any) ([]byte, error) { return json.Marshal(v, strict) }

// MarshalIndent is Marshal for people: two spaces, a line per member.
func MarshalIndent(v any) ([]byte, error) {
	return json.Marshal(v, strict, jsontext.WithIndent("  "))
}

// Quote appends s to b as a JSON string.
func Quote(b []byte, s string) []byte {
	out, err := jsontext.AppendQuote(b, s)
	if err != nil { // only invalid UTF-8 is reported, and replaced in out
		return out
	}
	return out
}
