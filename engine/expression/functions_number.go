package expression

import (
	"math"
	"strconv"
	"strings"
)

// numberFunctions returns the functions that return numbers; nil gives nil.
func numberFunctions() []Function {
	return []Function{{
		Name: "int", Signature: "int(value)", MinArgs: 1, MaxArgs: 1, Gives: NumberKind,
		Doc:      "The whole number of a number, cut towards 0, or of a text that is a whole number.",
		Examples: []Example{{Expr: `int("42")`, Result: 42}, {Expr: `int(3.9)`, Result: 3}},
		Call:     onNumber(func(x float64) (any, error) { return whole(x) }),
	}, {
		Name: "float", Signature: "float(value)", MinArgs: 1, MaxArgs: 1, Gives: NumberKind,
		Doc:      "The number of a number, or of a text that is one.",
		Examples: []Example{{Expr: `float("1.5")`, Result: 1.5}},
		Call:     onNumber(func(x float64) (any, error) { return x, nil }),
	}, {
		Name: "round", Signature: "round(number)", MinArgs: 1, MaxArgs: 1, Gives: NumberKind,
		Doc:      "The nearest whole number, halves away from 0.",
		Examples: []Example{{Expr: `round(2.5)`, Result: 3}},
		Call:     onNumber(func(x float64) (any, error) { return whole(math.Round(x)) }),
	}, {
		Name: "abs", Signature: "abs(number)", MinArgs: 1, MaxArgs: 1, Gives: NumberKind,
		Doc:      "The number without its sign.",
		Examples: []Example{{Expr: `abs(-2.5)`, Result: 2.5}},
		Call:     onNumber(func(x float64) (any, error) { return math.Abs(x), nil }),
	}, {
		Name: "min", Signature: "min(numbers…)", MinArgs: 1, MaxArgs: -1, Gives: NumberKind,
		Doc:      "The smallest of the numbers, or of the numbers in lists. Nil is left out.",
		Examples: []Example{{Expr: `min(3, nil, [2, 4])`, Result: 2}},
		Call:     pure(func(args []any) (any, error) { return extreme(args, -1) }),
	}, {
		Name: "max", Signature: "max(numbers…)", MinArgs: 1, MaxArgs: -1, Gives: NumberKind,
		Doc:      "The greatest of the numbers, or of the numbers in lists. Nil is left out.",
		Examples: []Example{{Expr: `max(3, nil, [2, 4])`, Result: 4}},
		Call:     pure(func(args []any) (any, error) { return extreme(args, 1) }),
	}}
}

func number(v any) (float64, bool) {
	if x, ok := v.(float64); ok {
		return x, true
	}
	i, ok := integer(v)
	return float64(i), ok
}

func onNumber(call func(x float64) (any, error)) func(Context, []any) (any, error) {
	return pure(func(args []any) (any, error) {
		if args[0] == nil {
			return nil, nil
		}
		if text, ok := args[0].(string); ok {
			x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, valueError("takes a number, but is given a text that is none here")
			}
			return call(x)
		}
		x, ok := number(args[0])
		if !ok {
			return nil, argumentError{"a number", args[0]}
		}
		return call(x)
	})
}

func whole(x float64) (any, error) {
	if math.Abs(x) >= 1<<53 {
		return nil, valueError("takes a number below 2^53")
	}
	return int(x), nil
}

func extreme(args []any, sign int) (any, error) {
	var best any
	for _, v := range flatten(nil, args) {
		if v == nil {
			continue
		}
		if kindOfValue(v) != NumberKind {
			return nil, argumentError{"numbers", v}
		}
		if best == nil || sign*compare(v, best) > 0 {
			best = v
		}
	}
	return best, nil
}
