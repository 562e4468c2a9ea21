package file

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/expression"
)

// functions returns the functions that look up other records.
func functions() []expression.Function {
	return []expression.Function{
		{
			Name: "lookup", Signature: "lookup(ref)", MinArgs: 1, MaxArgs: 1, Gives: expression.ObjectKind,
			Doc:      "A record of an earlier phase, as {ref, kind, title, email}; nil when there is none.",
			Examples: []expression.Example{{Expr: `lookup("nowhere")`, Result: nil}},
			Call: onRef(func(ctx expression.Context, ref string) any {
				e, ok := ctx.Lookup(ref)
				if !ok {
					return nil
				}
				return map[string]any{"ref": e.Ref, "kind": e.Kind, "title": orNil(e.Title), "email": orNil(e.Email)}
			}),
		},
		{
			Name: "display", Signature: "display(ref)", MinArgs: 1, MaxArgs: 1, Gives: expression.TextKind,
			Doc:      "The title of a record; its ref when it has none or was not read.",
			Examples: []expression.Example{{Expr: `display("team-42")`, Result: "team-42"}, {Expr: `display(nil)`, Result: nil}},
			Call: onRef(func(ctx expression.Context, ref string) any {
				if e, ok := ctx.Lookup(ref); ok && e.Title != "" {
					return e.Title
				}
				return ref
			}),
		},
	}
}

// onRef makes the Call of a function of one ref; nil returns nil.
func onRef(call func(ctx expression.Context, ref string) any) func(expression.Context, []any) (any, error) {
	return func(ctx expression.Context, args []any) (any, error) {
		switch v := args[0].(type) {
		case nil:
			return nil, nil
		case string:
			return call(ctx, canonical(v)), nil
		}
		return nil, fmt.Errorf("the ref is not text")
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
