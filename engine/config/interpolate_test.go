package config

import (
	"strings"
	"testing"
)

func TestInterpolate(t *testing.T) {
	env := map[string]string{"A": "a", "EMPTY": "", "YAML": "x: [1, 2]\ny: *z", "NEST": "${A}"}
	vars := &Variables{Lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	for text, want := range map[string]string{
		"x":                          "x",
		"${A}":                       "a",
		"<${A}${A}>":                 "<aa>",
		"${EMPTY}":                   "",
		"${EMPTY:-d}":                "d",
		"${UNSET:-d}":                "d",
		"${UNSET:-}":                 "",
		"${UNSET:-${EMPTY:-${A}}/x}": "a/x",
		"${A:-${UNSET}}":             "a",
		"$${A}":                      "${A}",
		"$$${A}":                     "$${A}",
		"$A $ $$ }{":                 "$A $ $$ }{",
		"${YAML}":                    "x: [1, 2]\ny: *z",
		"${NEST}":                    "${A}",
		"${UNSET:-http://x:1?a=b}":   "http://x:1?a=b",
		"${UNSET:-{}}":               "{}",
	} {
		d := &Decoder{vars: vars, settled: map[*Node]bool{}}
		got, ok := d.Text(&Node{kind: Scalar, doc: &Document{}, text: text})
		if !ok || got != want {
			t.Errorf("%s: got %q, want %q %v", text, got, want, d.problems)
		}
	}
	for _, text := range []string{"${", "${}", "${A", "${A B}", "${A:-", "${A:-${B}", "${A-b}", "${é}", "${file:}",
		"${file:x", "${:-x}",
		strings.Repeat("${A:-", 25) + strings.Repeat("}", 25), "${UNSET}"} {
		d := &Decoder{vars: vars, settled: map[*Node]bool{}}
		if got, ok := d.Text(&Node{kind: Scalar, doc: &Document{}, text: text}); ok || len(d.problems) != 1 {
			t.Errorf("%s: %q %v", text, got, d.problems)
		}
	}
}

func FuzzInterpolate(f *testing.F) {
	for _, seed := range []string{"", "a", "${A}", "$${A}", "${A:-${B:-c}}", "${file:x}", "${", "${}", "é${é}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars := &Variables{
			Lookup:   func(name string) (string, bool) { return canary, name == "A" },
			ReadFile: func(string) ([]byte, error) { return []byte(canary), nil },
		}
		for _, secret := range []bool{false, true} {
			d := &Decoder{vars: vars, settled: map[*Node]bool{}}
			n := &Node{kind: Scalar, doc: &Document{}, text: text, pos: Pos{"p", 1, 1}}
			r, ok := d.resolve(n, secret)
			if ok == (len(d.problems) > 0) {
				t.Errorf("ok is %v with %v", ok, d.problems)
			}
			if ok && !r.variable && strings.Contains(r.text, canary) && !strings.Contains(text, canary) {
				t.Error("a value came from nowhere")
			}
			if !strings.Contains(text, "CANARY") && strings.Contains(d.problems.Error(), "CANARY") {
				t.Errorf("a secret is shown: %v", d.problems)
			}
		}
	})
}
