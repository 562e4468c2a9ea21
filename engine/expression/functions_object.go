package expression

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// objectFunctions returns the functions of objects and of values of any kind.
func objectFunctions() []Function {
	return []Function{{
		Name: "len", Signature: "len(value)", MinArgs: 1, MaxArgs: 1, Gives: NumberKind,
		Doc:      "The number of elements, members or characters. 0 for nil.",
		Examples: []Example{{Expr: `len(["a", "b"])`, Result: 2}, {Expr: `len("größe")`, Result: 5}, {Expr: `len(nil)`, Result: 0}},
		Call:     pure(length),
	}, {
		Name: "keys", Signature: "keys(object)", MinArgs: 1, MaxArgs: 1, Gives: ListKind,
		Doc:      "The names of the members, sorted.",
		Examples: []Example{{Expr: `keys({"b": 1, "a": 2})`, Result: []any{"a", "b"}}},
		Call: pure(func(args []any) (any, error) {
			return fromObject(args[0], func(key string, _ any) any { return key })
		}),
	}, {
		Name: "values", Signature: "values(object)", MinArgs: 1, MaxArgs: 1, Gives: ListKind,
		Doc:      "The values of the members, in the order of their names.",
		Examples: []Example{{Expr: `values({"b": 1, "a": 2})`, Result: []any{2, 1}}},
		Call: pure(func(args []any) (any, error) {
			return fromObject(args[0], func(_ string, member any) any { return member })
		}),
	}, {
		Name: "named", Signature: "named(object, name)", MinArgs: 2, MaxArgs: 2, Gives: ListKind,
		Doc: "The values of the members of this name, ignoring case and surrounding blanks, as a list in the " +
			"order of their names. An empty list when there is none; a member without a value is nil.",
		Examples: []Example{
			{Expr: `named({"Team": "a", "team ": "b", "teams": "c"}, "team")`, Result: []any{"a", "b"}},
			{Expr: `named({"team": nil}, "Team")`, Result: []any{nil}},
			{Expr: `named(nil, "team")`, Result: []any{}},
		},
		Call: pure(named),
	}, {
		Name: "type", Signature: "type(value)", MinArgs: 1, MaxArgs: 1, Gives: TextKind,
		Doc:      "`nil`, `bool`, `number`, `text`, `list` or `object`.",
		Examples: []Example{{Expr: `type([])`, Result: "list"}, {Expr: `type(nil)`, Result: "nil"}},
		Call: pure(func(args []any) (any, error) {
			return [...]string{"other", "nil", "bool", "number", "text", "list", "object"}[kindOfValue(args[0])], nil
		}),
	}}
}

func length(args []any) (any, error) {
	switch v := args[0].(type) {
	case nil:
		return 0, nil
	case string:
		return utf8.RuneCountInString(v), nil
	case []any:
		return len(v), nil
	case map[string]any:
		return len(v), nil
	}
	return nil, argumentError{"a list, an object or a text", args[0]}
}

func named(args []any) (any, error) {
	object, ok := args[0].(map[string]any)
	if !ok && args[0] != nil {
		return nil, argumentError{"an object", args[0]}
	}
	name, _, err := asText(args[1])
	if err != nil {
		return nil, err
	}
	name = strings.TrimSpace(name)
	var keys []string
	for key := range object {
		if strings.EqualFold(strings.TrimSpace(key), name) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	out := make([]any, len(keys))
	for i, key := range keys {
		out[i] = object[key]
	}
	return out, nil
}

// fromObject calls take for each member, sorted by name, and returns the results.
func fromObject(v any, take func(key string, member any) any) (any, error) {
	object, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, argumentError{"an object", v}
	}
	out := make([]any, 0, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		out = append(out, take(key, object[key]))
	}
	return out, nil
}
