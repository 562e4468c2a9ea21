package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Convert makes what an expression gave into what a field of this type takes:
// string, []string or int64; nil when there is nothing to send. The error says
// what is wrong without saying the value.
func (t FieldType) Convert(v any) (any, error) {
	switch t {
	case Text:
		return toText(v)
	case RefField:
		s, err := toText(v)
		if s, ok := s.(string); ok && err == nil {
			return strings.ToLower(s), nil
		}
		return nil, err
	case TextList, RefList:
		list, err := toList(v)
		if err != nil || list == nil {
			return nil, err
		}
		if t == RefList {
			for i := range list {
				list[i] = strings.ToLower(list[i])
			}
		}
		return list, nil
	case Seconds, Number:
		return toInteger(v)
	}
	return nil, fmt.Errorf("a field of this type takes no single value")
}

// List is what a literal list of the file makes of a field of this type.
func (t FieldType) List(list []string) (any, error) {
	switch t {
	case TextList:
		return list, nil
	case RefList:
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = strings.ToLower(s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("a list where one value is expected")
}

// ConvertProperty makes what an expression gave into the value of a property:
// string, []string, int64 or float64; nil when there is nothing to send.
func ConvertProperty(v any) (any, error) {
	switch v := v.(type) {
	case []any, []string:
		list, err := toList(v)
		if err != nil || list == nil {
			return nil, err
		}
		return list, nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
		return v, nil
	case int:
		return int64(v), nil
	}
	return toText(v)
}

func toText(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case []any, []string:
		return nil, fmt.Errorf("it gives a list where one text is expected")
	}
	return nil, fmt.Errorf("it gives an object where one text is expected")
}

// toList is nil when the list is nil; an empty list stays one.
func toList(v any) ([]string, error) {
	var in []any
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []string:
		return v, nil
	case []any:
		in = v
	default:
		in = []any{v}
	}
	out := make([]string, 0, len(in))
	for _, one := range in {
		s, err := toText(one)
		if err != nil {
			return nil, fmt.Errorf("a list in it holds something that is not text")
		}
		if s, ok := s.(string); ok {
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
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
		return nil, fmt.Errorf("it gives a number that is not whole")
	}
	return nil, fmt.Errorf("it gives something that is not a whole number; for a date write epoch(…)")
}
