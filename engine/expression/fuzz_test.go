package expression

import (
	"strings"
	"testing"
)

// FuzzVariable: a variable of any content is a value and never a part of an expression: the
// same programs compile, the value is returned unchanged, and a condition on it holds only
// where it is equal.
func FuzzVariable(f *testing.F) {
	for _, value := range []string{"", "x", "glean.com/visibility", `" or true or "`, "kind", "vars.v", "${V}", "1 == 1", "a\nb", "\x00",
		"\xff", "metadata[", "other", "go", "Component", strings.Repeat("(", 500), "nil", "true"} {
		f.Add(value, " Owner ")
	}
	conditions := map[string]func(value, mark string) bool{
		`metadata.annotations[vars.v] != nil`: func(value, _ string) bool { return value == "other" },
		`lower(trim(metadata.annotations[vars.v])) in ["owner"]`: func(value, mark string) bool {
			return value == "other" && strings.ToLower(strings.TrimSpace(mark)) == "owner"
		},
		`kind == vars.v`:          func(value, _ string) bool { return value == "Component" },
		`vars.v in metadata.tags`: func(value, _ string) bool { return value == "go" },
	}
	f.Fuzz(func(t *testing.T, value, mark string) {
		l, errs := New(testModel(), []Define{{"d", "vars.v"}}, map[string]any{"v": value})
		if len(errs) > 0 {
			t.Fatalf("%q: %v", value, errs)
		}
		r := l.NewRun()
		record := map[string]any{"kind": "Component",
			"metadata": map[string]any{"annotations": map[string]any{"other": mark}, "tags": []any{"go"}}}
		r.Start("component:default/x", record, nil)
		for _, text := range []string{"vars.v", "d", `vars["v"]`} {
			if got, err := r.Eval(mustCompile(t, l, text)); err != nil || got != value {
				t.Errorf("%s: %q is %q, %v", text, value, got, err)
			}
		}
		for text, want := range conditions {
			p, err := l.Compile(text, WantCondition)
			if err != nil {
				t.Fatalf("%s with %q: %v", text, value, err)
			}
			if holds, err := r.True(p); holds != want(value, mark) {
				t.Errorf("%s with %q and %q: %v, %v", text, value, mark, holds, err)
			}
		}
	})
}
