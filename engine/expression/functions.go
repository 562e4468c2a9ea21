package expression

import (
	"strconv"
	"strings"
)

// generalFunctions returns the functions that the language has for every source. They read only
// their arguments.
func generalFunctions() []Function {
	var all []Function
	for _, group := range [][]Function{textFunctions(), searchFunctions(), pageFunctions(), listFunctions(),
		objectFunctions(), numberFunctions()} {
		all = append(all, group...)
	}
	return all
}

// pure returns the Call of a function that depends only on its arguments.
func pure(call func(args []any) (any, error)) func(Context, []any) (any, error) {
	return func(_ Context, args []any) (any, error) { return call(args) }
}

// onText returns the Call of a function of one text: nil gives nil.
func onText(call func(text string) (any, error)) func(Context, []any) (any, error) {
	return func(_ Context, args []any) (any, error) {
		text, ok, err := asText(args[0])
		if err != nil || !ok {
			return nil, err
		}
		return call(text)
	}
}

// onTexts is onText for several texts; only the first may be nil.
func onTexts(call func(texts []string) (any, error)) func(Context, []any) (any, error) {
	return func(_ Context, args []any) (any, error) {
		if args[0] == nil {
			return nil, nil
		}
		texts := make([]string, len(args))
		for i, arg := range args {
			text, ok, err := asText(arg)
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, argumentError{"text", nil}
			}
			texts[i] = text
		}
		return call(texts)
	}
}

// onList returns the Call of a function whose first argument is a list; nil is an empty list.
func onList(call func(list []any, rest []any) (any, error)) func(Context, []any) (any, error) {
	return func(_ Context, args []any) (any, error) {
		switch list := args[0].(type) {
		case []any:
			return call(list, args[1:])
		case nil:
			return call([]any{}, args[1:])
		}
		return nil, argumentError{"a list", args[0]}
	}
}

// asText returns the text of a scalar; ok is false for nil. Lists and objects are errors.
func asText(v any) (text string, ok bool, err error) {
	switch v := v.(type) {
	case nil:
		return "", false, nil
	case string:
		return v, true, nil
	case bool:
		return strconv.FormatBool(v), true, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true, nil
	}
	if i, isInteger := integer(v); isInteger {
		return strconv.Itoa(i), true, nil
	}
	return "", false, argumentError{"text", v}
}

// asList returns a list unchanged, an empty list for nil, and a list of one for anything else.
func asList(v any) []any {
	switch v := v.(type) {
	case nil:
		return []any{}
	case []any:
		return v
	}
	return []any{v}
}

// joined is strings.Join within the limit of text.
func joined(texts []string, separator string) (string, error) {
	size := len(separator) * max(0, len(texts)-1)
	for _, text := range texts {
		size += len(text)
	}
	if err := fits(size); err != nil {
		return "", err
	}
	return strings.Join(texts, separator), nil
}

// joinFull joins the texts of a list, at any depth, without nil and blank texts, after a
// prefix. It returns nil when no text is left.
func joinFull(begin string, v any, separator string) (any, error) {
	m := measure{separator: len(separator)}
	if err := m.add(v); err != nil || m.count == 0 {
		return nil, err
	}
	if err := fits(len(begin) + m.size); err != nil {
		return nil, err
	}
	if begin == "" && m.count == 1 && m.last != nil {
		return m.last, nil
	}
	var b strings.Builder
	b.Grow(len(begin) + m.size)
	b.WriteString(begin)
	writeFull(&b, b.Len(), v, separator)
	return b.String(), nil
}

// isFull reports whether a text contains more than white space.
func isFull(text string) bool { return strings.TrimSpace(text) != "" }

// measure is the size of joined texts before they are created.
type measure struct {
	separator, size, count int
	last                   any // the last text if it is a text of the list; nil if it was made from another scalar
}

func (m *measure) add(v any) error {
	if list, ok := v.([]any); ok {
		for _, element := range list {
			if err := m.add(element); err != nil {
				return err
			}
		}
		return nil
	}
	text, ok, err := asText(v)
	if err != nil || !ok || !isFull(text) {
		return err
	}
	if m.count > 0 {
		m.size += m.separator
	}
	m.size += len(text)
	m.count++
	if m.last = nil; kindOfValue(v) == TextKind {
		m.last = v
	}
	return nil
}

// writeFull writes what measure has measured; begin is the length of the prefix.
func writeFull(b *strings.Builder, begin int, v any, separator string) {
	if list, ok := v.([]any); ok {
		for _, element := range list {
			writeFull(b, begin, element, separator)
		}
		return
	}
	text, _, _ := asText(v)
	if !isFull(text) {
		return
	}
	if b.Len() > begin {
		b.WriteString(separator)
	}
	b.WriteString(text)
}
