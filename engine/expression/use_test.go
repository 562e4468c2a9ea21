package expression

import "testing"

func TestUses(t *testing.T) {
	l, errs := New(testModel(), []Define{
		{"direct", `through`}, {"through", `vars.deep`}, {"left", `lost`}, {"lost", `vars.never`},
	}, map[string]any{"deep": "a", "never": "b", "here": "c"})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if l.Uses("direct") || l.Uses("vars.deep") {
		t.Error("a define uses something before anything uses it")
	}
	if _, err := l.Compile(`direct == vars.here`, WantAny); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"direct": true, "through": true, "left": false, "lost": false,
		"vars.deep": true, "vars.here": true, "vars.never": false} {
		if l.Uses(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	if _, err := l.Compile(`vars[metadata.name]`, WantAny); err != nil {
		t.Fatal(err)
	}
	if !l.Uses("vars.never") {
		t.Error("a var that may be read counts as unused")
	}
}
