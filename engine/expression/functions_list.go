package expression

import (
	"cmp"
	"slices"
	"strings"
)

// listFunctions returns the functions of lists; nil is an empty list.
func listFunctions() []Function {
	return []Function{{
		Name: "first", Signature: "first(list)", MinArgs: 1, MaxArgs: 1, shape: elementShape,
		Doc:      "The first element. Nil for an empty list.",
		Examples: []Example{{Expr: `first(["a", "b"])`, Result: "a"}, {Expr: `first(nil)`}},
		Call:     onList(func(list, _ []any) (any, error) { return element(list, 0), nil }),
	}, {
		Name: "last", Signature: "last(list)", MinArgs: 1, MaxArgs: 1, shape: elementShape,
		Doc:      "The last element. Nil for an empty list.",
		Examples: []Example{{Expr: `last(["a", "b"])`, Result: "b"}},
		Call:     onList(func(list, _ []any) (any, error) { return element(list, -1), nil }),
	}, {
		Name: "coalesce", Signature: "coalesce(values…)", MinArgs: 1, MaxArgs: -1,
		Doc:      "The first value that is neither nil nor an empty text.",
		Examples: []Example{{Expr: `coalesce(nil, "", "name")`, Result: "name"}, {Expr: `coalesce(nil, "")`, Result: ""}},
		Call:     pure(coalesce),
	}, {
		Name: "list", Signature: "list(value)", MinArgs: 1, MaxArgs: 1, Gives: ListKind, shape: sameShape,
		Doc:      "A list unchanged, an empty list for nil, a list of one element for anything else.",
		Examples: []Example{{Expr: `list("a")`, Result: []any{"a"}}, {Expr: `list(nil)`, Result: []any{}}},
		Call:     pure(func(args []any) (any, error) { return asList(args[0]), nil }),
	}, {
		Name: "join", Signature: "join(list[, separator])", MinArgs: 1, MaxArgs: 2, Gives: TextKind,
		Doc:      "The elements that are not nil as one text, with the separator (`, `) between. Nil for nil.",
		Examples: []Example{{Expr: `join(["a", "b"], "; ")`, Result: "a; b"}, {Expr: `join(nil)`}},
		Call:     pure(join),
	}, {
		Name: "concat", Signature: "concat(lists…)", MinArgs: 1, MaxArgs: -1, Gives: ListKind,
		Doc:      "One list of all elements. A value that is not a list is one element; nil is left out.",
		Examples: []Example{{Expr: `concat(["a"], nil, "b")`, Result: []any{"a", "b"}}},
		Call:     pure(concat),
	}, {
		Name: "flatten", Signature: "flatten(list)", MinArgs: 1, MaxArgs: 1, Gives: ListKind,
		Doc:      "The elements, with nested lists flattened at any depth.",
		Examples: []Example{{Expr: `flatten([["a"], ["b", ["c"]]])`, Result: []any{"a", "b", "c"}}},
		Call:     onList(func(list, _ []any) (any, error) { return flatten([]any{}, list), nil }),
	}, {
		Name: "uniq", Signature: "uniq(list)", MinArgs: 1, MaxArgs: 1, Gives: ListKind, shape: sameShape,
		Doc:      "The scalar elements without duplicates, in the order of their first occurrence.",
		Examples: []Example{{Expr: `uniq(["a", "b", "a"])`, Result: []any{"a", "b"}}},
		Call:     onList(uniq),
	}, {
		Name: "sort", Signature: "sort(list[, \"desc\"])", MinArgs: 1, MaxArgs: 2, Gives: ListKind, shape: sameShape,
		Doc:      "The texts or numbers in order, nil left out.",
		Examples: []Example{{Expr: `sort(["b", "a"])`, Result: []any{"a", "b"}}, {Expr: `sort([1, 3, 2], "desc")`, Result: []any{3, 2, 1}}},
		Call:     onList(sorted),
	}, {
		Name: "reverse", Signature: "reverse(list)", MinArgs: 1, MaxArgs: 1, Gives: ListKind, shape: sameShape,
		Doc:      "The elements from the last to the first.",
		Examples: []Example{{Expr: `reverse([1, 2])`, Result: []any{2, 1}}},
		Call: onList(func(list, _ []any) (any, error) {
			list = slices.Clone(list)
			slices.Reverse(list)
			return list, nil
		}),
	}, {
		Name: "take", Signature: "take(list, count)", MinArgs: 2, MaxArgs: 2, Gives: ListKind, shape: sameShape,
		Doc:      "The first elements, count at most.",
		Examples: []Example{{Expr: `take(["a", "b", "c"], 2)`, Result: []any{"a", "b"}}},
		Call: onList(func(list, rest []any) (any, error) {
			count, ok := integer(rest[0])
			if !ok || count < 0 {
				return nil, argumentError{"a whole number from 0 on", rest[0]}
			}
			count = min(count, len(list))
			return list[:count:count], nil
		}),
	}}
}

func coalesce(args []any) (any, error) {
	for _, arg := range args {
		if arg != nil && arg != "" {
			return arg, nil
		}
	}
	return args[len(args)-1], nil
}

func join(args []any) (any, error) {
	if args[0] == nil {
		return nil, nil
	}
	separator := ", "
	if len(args) == 2 {
		text, ok := args[1].(string)
		if !ok {
			return nil, argumentError{"a text as its separator", args[1]}
		}
		separator = text
	}
	texts := make([]string, 0, 8)
	for _, v := range asList(args[0]) {
		text, ok, err := asText(v)
		if err != nil {
			return nil, argumentError{"a list of texts", v}
		}
		if ok {
			texts = append(texts, text)
		}
	}
	return joined(texts, separator)
}

func concat(args []any) (any, error) {
	out := []any{}
	for _, arg := range args {
		out = append(out, asList(arg)...)
	}
	return out, nil
}

func flatten(into, list []any) []any {
	for _, v := range list {
		if inner, ok := v.([]any); ok {
			into = flatten(into, inner)
		} else {
			into = append(into, v)
		}
	}
	return into
}

func uniq(list, _ []any) (any, error) {
	seen, out := make(map[any]bool, len(list)), make([]any, 0, len(list))
	for _, v := range list {
		if kind := kindOfValue(v); kind == ListKind || kind == ObjectKind {
			return nil, argumentError{"a list of texts or numbers", list}
		}
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out, nil
}

func sorted(list, rest []any) (any, error) {
	sign := 1
	if len(rest) == 1 && rest[0] == "desc" {
		sign = -1
	} else if len(rest) == 1 && rest[0] != "asc" {
		return nil, valueError(`takes "asc" or "desc" after the list`)
	}
	out := slices.DeleteFunc(slices.Clone(list), func(v any) bool { return v == nil })
	for _, v := range out {
		if kind := kindOfValue(v); kind != kindOfValue(out[0]) || kind != TextKind && kind != NumberKind {
			return nil, valueError("takes a list of texts or a list of numbers")
		}
	}
	slices.SortStableFunc(out, func(a, b any) int { return sign * compare(a, b) })
	return out, nil
}

// compare orders two texts or two numbers.
func compare(a, b any) int {
	if text, ok := a.(string); ok {
		return strings.Compare(text, b.(string))
	}
	x, _ := number(a)
	y, _ := number(b)
	return cmp.Compare(x, y)
}
