package expression

import "math"

const (
	maxSource   = 16 << 10  // bytes of one expression
	maxNodes    = 1000      // nodes of one expression
	maxShared   = 4         // nodes with two parents: each may double the work
	maxElements = 1_000_000 // elements visited in one evaluation
	maxText     = 8 << 20   // bytes of text created in one evaluation, and of its result
	workUnit    = 1 << 10   // bytes of text read that count as one element
	manyScopes  = 10_000    // elements after which a virtual machine is not kept
)

// budget bounds one evaluation. Each define has its own budget, which makes the cost of an
// expression independent of the order of its readers.
type budget struct {
	elements int
	text     int
}

func (b *budget) look(elements int) error {
	if b.elements += elements; b.elements > maxElements {
		return errElements
	}
	return nil
}

func (b *budget) write(bytes int) error {
	if b.text += bytes; b.text > maxText {
		return errText
	}
	return nil
}

// fits returns an error when no evaluation may create a text of that size.
func fits(bytes int) error { return new(budget).write(bytes) }

type limitError string

const (
	errElements = limitError("looks at more than 1,000,000 elements")
	errText     = limitError("makes more than 8 MiB of text")
	errResult   = limitError("gives a result larger than 8 MiB")
	errShape    = valueError("the result is not a text, number, true or false, list or object")
	errInfinite = valueError("the result is not a finite number; is something divided by zero?")
)

func (e limitError) Error() string { return "too complex: it " + string(e) }

// checkResult accepts what every consumer can store: nil, bool, text, finite numbers, and lists
// and objects of those, within the limit of text.
func checkResult(v any, text *int) error {
	switch v := v.(type) {
	case nil, bool, int, int64, uint64:
	case string:
		if *text += len(v); *text > maxText {
			return errResult
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errInfinite
		}
	case []any:
		for _, element := range v {
			if err := checkResult(element, text); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, member := range v {
			*text += len(key)
			if err := checkResult(member, text); err != nil {
				return err
			}
		}
	default:
		return errShape
	}
	return nil
}

// kindOfValue returns the kind of a value at run time.
func kindOfValue(v any) Kind {
	switch v.(type) {
	case nil:
		return NilKind
	case bool:
		return BoolKind
	case int, int64, uint64, float64:
		return NumberKind
	case string:
		return TextKind
	case []any:
		return ListKind
	case map[string]any:
		return ObjectKind
	}
	return AnyKind
}
