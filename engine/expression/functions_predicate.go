package expression

// predicateFunctions documents expr's built-in functions that take a predicate: an expression
// about the element, which is `#`, and its members `.name`.
func predicateFunctions() []Function {
	links := map[string]any{"metadata": map[string]any{"links": []any{
		map[string]any{"title": "Docs", "url": "https://example.com/docs"}, map[string]any{"url": "https://example.com"},
	}}}
	return []Function{{
		Name: "map", Signature: "map(list, expression)", MinArgs: 2, MaxArgs: 2, Gives: ListKind,
		Doc:      "The result of the expression for each element.",
		Examples: []Example{{Expr: `map(metadata.links, .title)`, Record: links, Result: []any{"Docs", nil}}},
	}, {
		Name: "filter", Signature: "filter(list, condition)", MinArgs: 2, MaxArgs: 2, Gives: ListKind,
		Doc:      "The elements for which the condition holds.",
		Examples: []Example{{Expr: `filter(["a", "ab"], # startsWith "ab")`, Result: []any{"ab"}}},
	}, {
		Name: "find", Signature: "find(list, condition)", MinArgs: 2, MaxArgs: 2,
		Doc:      "The first element for which the condition holds, or nil.",
		Examples: []Example{{Expr: `find(metadata.links, .title == "Docs").url`, Record: links, Result: "https://example.com/docs"}},
	}, {
		Name: "count", Signature: "count(list, condition)", MinArgs: 2, MaxArgs: 2, Gives: NumberKind,
		Doc:      "The number of elements for which the condition holds.",
		Examples: []Example{{Expr: `count([1, 2, 3], # > 1)`, Result: 2}},
	}, {
		Name: "any", Signature: "any(list, condition)", MinArgs: 2, MaxArgs: 2, Gives: BoolKind,
		Doc:      "Whether the condition holds for at least one element.",
		Examples: []Example{{Expr: `any(["a", "b"], # == "b")`, Result: true}, {Expr: `any(nil, # == "b")`, Result: false}},
	}, {
		Name: "all", Signature: "all(list, condition)", MinArgs: 2, MaxArgs: 2, Gives: BoolKind,
		Doc:      "Whether the condition holds for every element; it does for an empty list.",
		Examples: []Example{{Expr: `all(["a", "b"], # == "b")`, Result: false}},
	}, {
		Name: "none", Signature: "none(list, condition)", MinArgs: 2, MaxArgs: 2, Gives: BoolKind,
		Doc:      "Whether the condition holds for no element.",
		Examples: []Example{{Expr: `none(["a", "b"], # == "c")`, Result: true}},
	}, {
		Name: "one", Signature: "one(list, condition)", MinArgs: 2, MaxArgs: 2, Gives: BoolKind,
		Doc:      "Whether the condition holds for exactly one element.",
		Examples: []Example{{Expr: `one(["a", "b"], # == "b")`, Result: true}},
	}, {
		Name: "sum", Signature: "sum(list[, number])", MinArgs: 1, MaxArgs: 2, Gives: NumberKind,
		Doc:      "The sum of the elements, or of what the expression gives for each.",
		Examples: []Example{{Expr: `sum([1, 2])`, Result: 3}, {Expr: `sum(["a", "bc"], len(#))`, Result: 3}},
	}, {
		Name: "sortBy", Signature: "sortBy(list, key[, \"desc\"])", MinArgs: 2, MaxArgs: 3, Gives: ListKind,
		Doc:      "The elements in the order of a text or a number of each.",
		Examples: []Example{{Expr: `sortBy(["bb", "a"], len(#))`, Result: []any{"a", "bb"}}},
	}}
}
