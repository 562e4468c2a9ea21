package expression

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestEvalCut: when the whole record exceeds a limit, a value that may be cut is evaluated on a
// cut record; a condition or a deciding value is not.
func TestEvalCut(t *testing.T) {
	many := make([]any, 1_000_000)
	for i := range many {
		many[i] = "x"
	}
	record := map[string]any{"kind": "API", "spec": map[string]any{
		"large": strings.Repeat("é", 10<<20), "markdown": strings.Repeat("*a* ", 1<<20), "many": many, "small": "whole",
	}}
	for text, want := range map[string]struct {
		cut    bool
		length int // of the text, in bytes
	}{
		`lines("Definition", spec.large)`:   {true, len("Definition\n") + 1<<20},
		`lower(spec.large)`:                 {true, 1 << 20},
		`plain(spec.markdown)`:              {true, 524_288},
		`join(map(spec.many, # + "y"), "")`: {true, 200_000},
		`repeat("x", 9000000)`:              {true, -1},
		`lines(spec.small)`:                 {false, 5},
	} {
		l := testLanguage(t)
		p := mustCompile(t, l, text)
		r := l.NewRun()
		r.Start("api:default/a", record, nil)
		v, cut, err := r.EvalCut(p)
		s, _ := v.(string)
		switch {
		case want.length < 0 && err == nil:
			t.Errorf("%s: no error", text)
		case want.length >= 0 && err != nil:
			t.Errorf("%s: %v", text, err)
		case cut != want.cut || want.length >= 0 && (len(s) > want.length || len(s) < want.length-1000):
			t.Errorf("%s: cut is %v, and %d bytes, want about %d", text, cut, len(s), want.length)
		case !utf8.ValidString(s):
			t.Errorf("%s: cut within a rune", text)
		}
		if len(r.Record()["spec"].(map[string]any)["many"].([]any)) != len(many) {
			t.Errorf("%s: the record stays cut", text)
		}
		if _, err := r.Eval(p); (err != nil) != want.cut {
			t.Errorf("%s: Eval cuts, too: %v", text, err)
		}
	}
}

// TestEvalCutDefines: a define is evaluated on the same record as the value that reads it.
func TestEvalCutDefines(t *testing.T) {
	l := testLanguage(t, Define{"size", `len(spec.large)`})
	condition, field := mustCompile(t, l, `size > 2000000`), mustCompile(t, l, `text(size) + lower(spec.large)`)
	r := l.NewRun()
	r.Start("api:default/a", map[string]any{"spec": map[string]any{"large": strings.Repeat("x", 9<<20)}}, nil)
	for range 2 {
		if holds, err := r.True(condition); err != nil || !holds {
			t.Errorf("the condition sees the cut record: %v, %v", holds, err)
		}
		v, cut, err := r.EvalCut(field)
		if err != nil || !cut || !strings.HasPrefix(v.(string), fmt.Sprint(1<<20-len(Ellipsis)+1)) {
			t.Errorf("%v, %v, %.20q", err, cut, v)
		}
	}
}

func TestCutText(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{{"abc", 3, "abc"}, {"abcdef", 5, "ab…"}, {"aéé", 4, "a…"}, {"ééé", 5, "é…"}, {"éééé", 6, "é…"}, {"abcdef", 2, "…"},
		{"", 0, ""}} {
		if got := CutText(c.text, c.limit); got != c.want {
			t.Errorf("%q at %d: %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}
