package expression

import (
	"strings"
	"unicode/utf8"
)

// searchFunctions returns the functions that search and split texts.
func searchFunctions() []Function {
	return []Function{{
		Name: "hasPrefix", Signature: "hasPrefix(text, prefix)", MinArgs: 2, MaxArgs: 2, Gives: BoolKind,
		Doc:      "Whether the text begins with the prefix. Nil for nil, which is no condition.",
		Examples: []Example{{Expr: `hasPrefix("generated-1", "generated-")`, Result: true}, {Expr: `hasPrefix(nil, "a")`}},
		Call:     onTexts(func(t []string) (any, error) { return strings.HasPrefix(t[0], t[1]), nil }),
	}, {
		Name: "hasSuffix", Signature: "hasSuffix(text, suffix)", MinArgs: 2, MaxArgs: 2, Gives: BoolKind,
		Doc:      "Whether the text ends with the suffix. Nil for nil, which is no condition.",
		Examples: []Example{{Expr: `hasSuffix("ann@example.com", "@example.com")`, Result: true}},
		Call:     onTexts(func(t []string) (any, error) { return strings.HasSuffix(t[0], t[1]), nil }),
	}, {
		Name: "indexOf", Signature: "indexOf(text, part)", MinArgs: 2, MaxArgs: 2, Gives: NumberKind,
		Doc:      "Where the part begins in the text, counted in characters from 0; -1 when it is not in it.",
		Examples: []Example{{Expr: `indexOf("größe:m", ":")`, Result: 5}, {Expr: `indexOf("a", "b")`, Result: -1}},
		Call: onTexts(func(t []string) (any, error) {
			i := strings.Index(t[0], t[1])
			if i < 0 {
				return -1, nil
			}
			return utf8.RuneCountInString(t[0][:i]), nil
		}),
	}, {
		Name: "split", Signature: "split(text, separator)", MinArgs: 2, MaxArgs: 2, Gives: ListKind,
		Doc:      "The parts of the text between the separators. An empty list for nil.",
		Examples: []Example{{Expr: `split("a,b", ",")`, Result: []any{"a", "b"}}, {Expr: `split(nil, ",")`, Result: []any{}}},
		Call: func(ctx Context, args []any) (any, error) {
			if args[0] == nil {
				return []any{}, nil
			}
			return splitTexts(ctx, args)
		},
	}}
}

func splitTexts(ctx Context, args []any) (any, error) {
	return onTexts(func(t []string) (any, error) {
		count := strings.Count(t[0], t[1]) + 1
		if err := new(budget).look(count); err != nil {
			return nil, err
		}
		parts := make([]any, 0, count)
		for part := range strings.SplitSeq(t[0], t[1]) {
			parts = append(parts, part)
		}
		return parts, nil
	})(ctx, args)
}
