package config

import (
	"strings"
	"testing"
)

// everywhere uses a variable in every position of a value, including positions where it must
// not be replaced.
const everywhere = `version: 1
name: ${V}
vars:
  a: ${V}
  b: "<${V}>"
  c: ${UNSET:-${V}}
source:
  url: ${V}
  mirror: $${V}
  page_size: ${V}
  ratio: ${V}
  mode: ${V}
  batch: ${V}
  token: ${V}
  headers:
    X-One: ${V}
    X-Two: two
  timeout: ${V}
  verify: ${V}
  kinds:
    User: ${V}
    Group: true
  filters:
    - ${V}
    - kind=${V}
    - end
define:
  x: kind == "${V}"
  y: kind == vars.a
  ${V}: 1
transforms:
  - name: ${V}
    keep: ${V}
  - keep: name != '${V}'
owners:
  - ${V}
max_loss: ${V}
shape:
  - ${V}
  - ${V}
rest:
  left: ${V}
`

// FuzzVariable checks that any content of a variable stays one value: it adds no key, element
// or line, does not become part of an expression, and is replaced only once. No problem shows
// it.
func FuzzVariable(f *testing.F) {
	for _, value := range []string{
		"", "x", "1", "true", "20%", "a: b", "x\ny: z", "[1, 2]", "- a\n- b", "{a: b}", "*anchor", "&a b", "!!int 3",
		"| \n x", "# no", `"`, `'`, `" or true or "`,
		`${V}`, "${UNSET:-x}", "$${V}", "${file:/etc/passwd}", "\x00", "\u2028", "\xff", "null", "~", "1e999", "-1", "0x10",
		strings.Repeat("${V}", 1000), "owners: [all]",
	} {
		f.Add(value)
	}
	doc, problems := Parse("p.yaml", []byte(everywhere))
	if len(problems) > 0 {
		f.Fatal(problems)
	}
	nodes := count(doc.Root())
	f.Fuzz(func(t *testing.T, value string) {
		asked := []string{}
		vars := &Variables{
			Lookup: func(name string) (string, bool) {
				asked = append(asked, name)
				return value, name == "V"
			},
			ReadFile: func(path string) ([]byte, error) { t.Fatalf("%q makes it read %s", value, path); return nil, nil },
		}
		var p pipeline
		problems := Decode(doc.Root(), &p, vars)
		if n := count(doc.Root()); n != nodes {
			t.Errorf("%q makes %d nodes of %d", value, n, nodes)
		}
		for _, name := range asked {
			if name != "V" && name != "UNSET" {
				t.Errorf("%q asks for %s", value, name)
			}
		}
		text := func(m Map[string], key string) string { v, _ := m.Get(key); return v }
		code := func(key string) string { v, _ := p.Define.Get(key); return v.Text }
		for at, got := range map[string]string{"name": p.Name, "a": text(p.Vars, "a"), "c": text(p.Vars, "c"),
			"url": p.Source.URL, "filter": p.Source.Filters[0], "transform": p.Transforms[0].Name} {
			if got != value && (got != "" || len(problems) == 0) { // a problem leaves it empty
				t.Errorf("%s: %q is %q", at, value, got)
			}
		}
		if b := text(p.Vars, "b"); b != "<"+value+">" && len(problems) == 0 || p.Source.Mirror != "${V}" {
			t.Errorf("%q becomes %q and %q", value, b, p.Source.Mirror)
		}
		if len(p.Source.Filters) != 3 || len(p.Source.Headers) != 2 || len(p.Vars) != 3 || len(p.Transforms) != 2 ||
			len(p.Define) != 3 {
			t.Errorf("%q becomes structure: %+v", value, p)
		}
		for i, got := range []string{code("x"), p.Transforms[0].Keep.Text, p.Transforms[1].Keep.Text} {
			if got != "" { // a variable in an expression is a problem
				t.Errorf("%q becomes code: %d is %q", value, i, got)
			}
		}
		if got := code("y"); got != `kind == vars.a` {
			t.Errorf("%q becomes code: %q", value, got)
		}
		const rare = 8 // a shorter text may be in a message by chance
		if shown := problems.Error(); len(value) >= rare && strings.Contains(shown, value) &&
			!strings.Contains(everywhere, value) {
			t.Errorf("%q is shown: %s", value, shown)
		}
	})
}
