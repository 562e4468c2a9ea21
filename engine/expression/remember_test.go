package expression

import "testing"

// TestRemember: cached values of functions belong to one record, and are made anew after the
// record was changed.
func TestRemember(t *testing.T) {
	made := 0
	model := testModel()
	type key struct{ name string }
	model.Functions = append(model.Functions, Function{Name: "once", Signature: "once(name)", MinArgs: 1, MaxArgs: 1,
		Call: func(ctx Context, args []any) (any, error) {
			return ctx.Remember(key{args[0].(string)}, func(ctx Context) any {
				made++
				return ctx.Record()["kind"]
			}), nil
		}})
	l, _ := New(model, nil, nil)
	run, p := l.NewRun(), mustCompile(t, l, `[once("a"), once("b"), once("a")]`)
	record := map[string]any{"kind": "x"}
	evaluate := func(want any, count int) {
		t.Helper()
		v, err := run.Eval(p)
		if list, _ := v.([]any); err != nil || list[0] != want || list[1] != want || list[2] != want || made != count {
			t.Errorf("%v, %v, made %d times", v, err, made)
		}
	}
	run.Start("a", record, nil)
	evaluate("x", 2)
	evaluate("x", 2)
	record["kind"] = "y"
	run.Forget()
	evaluate("y", 4)
	run.Start("b", map[string]any{"kind": "z"}, nil)
	evaluate("z", 6)
}
