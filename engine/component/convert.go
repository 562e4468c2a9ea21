package component

import (
	"fmt"
	"math"
	"strconv"
)

// Convert converts the result of an expression to the Go type of the field type: string,
// []string, int64 or bool. It returns nil when there is nothing to send; an empty list stays an
// empty list. Full refs are returned in the source's spelling, other texts as they are. The
// error does not contain the value.
func (t FieldType) Convert(v any, refs Refs) (any, error) {
	switch t {
	case Text:
		return optionalText(v)
	case RefField:
		s, err := toText(v)
		return optional(spelling(s, refs), v, err)
	case TextList, RefList:
		if v == nil {
			return nil, nil
		}
		list, err := toList(v)
		if err != nil {
			return nil, err
		}
		return t.List(list, refs)
	case Seconds, Number:
		return toInteger(v)
	case Flag:
		return toFlag(v)
	case EmailField:
		return toEmail(v)
	}
	return nil, fmt.Errorf("a field of this type does not take a single value")
}

// List converts a list of texts as Convert does.
func (t FieldType) List(list []string, refs Refs) (any, error) {
	switch t {
	case TextList:
		return list, nil
	case RefList:
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = spelling(s, refs)
		}
		return out, nil
	}
	return nil, fmt.Errorf("a list where one value is expected")
}

// spelling returns a text in the spelling of refs when it is a full ref, and unchanged
// otherwise.
func spelling(text string, refs Refs) string {
	if refs != nil {
		if ref, ok := refs.ParseRef(text); ok {
			return ref
		}
	}
	return text
}

// ConvertProperty converts the result of an expression to the value of a property: string,
// []string, int64 or float64. It returns nil when there is nothing to send.
func ConvertProperty(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		list, err := toList(v)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		return list, nil
	case int:
		return int64(v), nil
	case float64:
		if whole(v) {
			return int64(v), nil
		}
		return v, nil
	}
	return optionalText(v)
}

// optionalText returns the text of a value, nil when it is empty.
func optionalText(v any) (any, error) {
	s, err := toText(v)
	return optional(s, v, err)
}

// optional returns nil for an empty text. of is the value that the text was made from; optional
// returns it when it is the same text, which saves an allocation.
func optional(s string, of any, err error) (any, error) {
	switch {
	case s == "" || err != nil:
		return nil, err
	case of == any(s):
		return of, nil
	}
	return s, nil
}

// toText returns numbers and booleans as text, and nil as "".
func toText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("it gives %s, but one text is expected", shape(v))
}

// toList returns the texts of a list without the empty ones. A value that is not a list is
// taken as a list of one.
func toList(v any) ([]string, error) {
	in, ok := v.([]any)
	if !ok {
		if _, object := v.(map[string]any); object {
			return nil, fmt.Errorf("it gives an object, but a list of texts is expected")
		}
		in = []any{v}
	}
	out := make([]string, 0, len(in))
	for _, one := range in {
		s, err := toText(one)
		if err != nil {
			return nil, fmt.Errorf("the list that it gives contains %s, but a text is expected", shape(one))
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out, nil
}

func toInteger(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case int:
		return int64(v), nil
	case float64:
		if whole(v) {
			return int64(v), nil
		}
		return nil, fmt.Errorf("it gives a number that is not whole")
	}
	return nil, fmt.Errorf("it gives %s, but a whole number is expected; for a date write epoch(…)", shape(v))
}

func toFlag(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		return v, nil
	}
	return nil, fmt.Errorf("it gives %s, but true or false is expected", shape(v))
}

func toEmail(v any) (any, error) {
	s, err := toText(v)
	if s == "" || err != nil {
		return nil, err
	}
	address, ok := Email(s)
	if !ok {
		return nil, fmt.Errorf("it gives a text that is not an e-mail address")
	}
	return address, nil
}

// whole reports whether f is an integer that a float64 holds exactly.
func whole(f float64) bool { return f == math.Trunc(f) && math.Abs(f) < 1<<53 }

func shape(v any) string {
	switch v.(type) {
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case bool:
		return "true or false"
	case string:
		return "text"
	}
	return "a value"
}
