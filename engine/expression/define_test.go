package expression

import (
	"strings"
	"testing"
)

func TestDefineErrors(t *testing.T) {
	for name, test := range map[string]struct {
		defines []Define
		want    string // all errors, one per line
	}{
		"cycle": {
			[]Define{{"a", `lower(b)`}, {"b", `c + "x"`}, {"c", `coalesce(kind, a)`}},
			"define.c:1:16: define.a refers to itself: a → b → c → a",
		},
		"itself":   {[]Define{{"a", `a`}}, "define.a:1:1: define.a refers to itself: a → a"},
		"function": {[]Define{{"lower", `kind`}}, "define.lower:1:1: define.lower: lower is a function"},
		"built-in": {[]Define{{"map", `kind`}}, "define.map:1:1: define.map: map is a function"},
		"member":   {[]Define{{"kind", `ref`}}, "define.kind:1:1: define.kind: kind is a member of the record"},
		"vars":     {[]Define{{"vars", `ref`}}, "define.vars:1:1: define.vars: vars has a special meaning"},
		"word":     {[]Define{{"not", `ref`}}, "define.not:1:1: define.not: not is a reserved word"},
		"twice":    {[]Define{{"a", `ref`}, {"a", `kind`}}, "define.a:1:1: define.a: a is defined already"},
		"not name": {[]Define{{"a-b", `ref`}}, "define.a-b:1:1: define.a-b: a name has letters, digits and _"},
		"all at once": {
			[]Define{{"a", `metadata.nmae`}, {"b", `a + lower()`}, {"c", `b`}},
			"define.a:1:10: metadata has no member nmae\ndefine.b:1:5: lower takes 1 argument, but got 0",
		},
		"strict through a define": {
			[]Define{{"b", `map(a, .titel)`}, {"a", `metadata.links`}},
			"define.b:1:9: the element has no member titel",
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, errs := New(testModel(), test.defines, nil)
			var got []string
			for _, err := range errs {
				got = append(got, err.Error())
			}
			if strings.Join(got, "\n") != test.want {
				t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), test.want)
			}
			if _, err := l.Compile("metadata.nmae", WantAny); err == nil || err.Code != CodeUnknownName {
				t.Errorf("further errors are not found: %v", err)
			}
		})
	}
}

// TestDefineOnce: a define is evaluated once per record, when it is first used, and again after
// Forget.
func TestDefineOnce(t *testing.T) {
	calls := 0
	model := testModel()
	model.Functions = append(model.Functions, Function{
		Name: "tick", Signature: "tick()", Gives: NumberKind,
		Call: func(Context, []any) (any, error) { calls++; return calls, nil },
	})
	l, errs := New(model, []Define{{"inner", `tick()`}, {"outer", `inner + inner`}}, nil)
	if errs != nil {
		t.Fatal(errs[0])
	}
	p, q := mustCompile(t, l, `[outer, inner, map([1, 2], outer)]`), mustCompile(t, l, `kind`)
	r := l.NewRun()
	r.Start("a", map[string]any{}, nil)
	r.Eval(q)
	if calls != 0 {
		t.Errorf("evaluated though nothing uses it")
	}
	for _, step := range []struct {
		calls int
		do    func()
	}{
		{1, func() {}},
		{1, func() {}},
		{2, r.Forget},
		{3, func() { r.Start("b", nil, nil) }},
	} {
		step.do()
		if v, err := r.Eval(p); err != nil || calls != step.calls || v.([]any)[1] != step.calls ||
			v.([]any)[0] != 2*step.calls {
			t.Errorf("%v, %v after %d calls, want %d", v, err, calls, step.calls)
		}
	}
}

// TestDefineRuntimeError: an error in a define is the error of everything that reads the
// define, positioned in the define's own text.
func TestDefineRuntimeError(t *testing.T) {
	l := testLanguage(t, Define{"loud", "upper(kind) +\n  metadata.title"})
	for range 2 {
		_, err := evaluate(t, l, `kind == "x" or loud == "y"`, without(testEntity(), "metadata.title"))
		got, ok := err.(*RuntimeError)
		if !ok || got.Define != "loud" || got.Line != 2 || got.Col != 2 ||
			!strings.HasPrefix(got.Error(), "define.loud: `metadata.title` is missing here") {
			t.Errorf("%#v", err)
		}
	}
}
