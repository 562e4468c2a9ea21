package expression

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	many := make([]any, 2000)
	for i := range many {
		many[i] = fmt.Sprint("element ", i)
	}
	record := map[string]any{
		"kind": "x",
		"spec": map[string]any{"many": many, "much": strings.Repeat("much ", 1<<20), "nan": math.NaN(), "odd": struct{}{}},
	}
	for text, want := range map[string]string{
		`count(spec.many, count(spec.many, # == "x") == 0)`:                             "looks at more than 1,000,000 elements",
		`let a = repeat("x", 100000); let b = a+a+a+a+a+a+a+a+a+a; b+b+b+b+b+b+b+b+b+b`: "makes more than 8 MiB of text",
		`repeat("x", 9000000)`:                    "makes more than 8 MiB of text",
		`repeat("xx", 4000000000000000)`:          "makes more than 8 MiB of text",
		`repeat("", 400000000000000)`:             "",
		`map(spec.many, repeat("x", 10000))`:      "makes more than 8 MiB of text",
		`replace(spec.much, "m", "mmmmmmmmmmmm")`: "makes more than 8 MiB of text",
		`join(spec.many, repeat("x", 10000))`:     "makes more than 8 MiB of text",
		`lines(spec.much, spec.much)`:             "makes more than 8 MiB of text",
		`entry("a", [spec.much, spec.much])`:      "makes more than 8 MiB of text",
		`bullets(spec.much, [spec.much])`:         "makes more than 8 MiB of text",
		`split(spec.much, "")`:                    "looks at more than 1,000,000 elements",
		`map(spec.many, sha256(spec.much))`:       "looks at more than 1,000,000 elements",
		`[spec.much, spec.much]`:                  "larger than 8 MiB",
		`let a = concat(spec.many, spec.many); let b = concat(a,a,a,a,a,a,a,a,a,a); concat(b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b)`: "looks at more than 1,000,000 elements",
		`spec.nan`:            "not a finite number",
		`[{"a": spec.nan}]`:   "not a finite number",
		`1e308 * 10`:          "not a finite number",
		`spec.odd`:            "not a text, number",
		`kind`:                "",
		`lines(spec.much)`:    "",
		`len(spec.many) == 2`: "",
	} {
		start := time.Now()
		_, err := evaluate(t, testLanguage(t), text, record)
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s takes %v", text, took)
		}
	}
}

// TestDefineBudget: a define has its own budget: what a reader may do does not depend on
// whether the define was evaluated before.
func TestDefineBudget(t *testing.T) {
	l := testLanguage(t, Define{"big", `repeat("x", 8000000)`})
	for range 2 {
		if v, err := evaluate(t, l, `len(big) + len(repeat("x", 8000000))`, nil); err != nil || v != 16000000 {
			t.Error(v, err)
		}
	}
}
