package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// The expected values come from the JavaScript library yaml 2.9, printed with JSON.stringify.
func TestDocuments(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"numbers":        {"[0x1F, 0o17, 010, 1.10, 1e3, .5, 5., +3, -0x10, 0b11, 1_000]", `[[31,15,10,1.1,1000,0.5,5,3,"-0x10","0b11","1_000"]]`},
		"other words":    {"[yes, on, True, FALSE, ~, Null, .inf, .nan]", `[["yes","on",true,false,null,null,null,null]]`},
		"texts":          {"[2024-01-01, 12:30:45, '1', \"~\", !!str 5, !foo bar]", `[["2024-01-01","12:30:45","1","~","5","bar"]]`},
		"keys":           {"{1: a, 1.50: b, true: c, null: d, 0.0000001: e}", `[{"":"d","1":"a","1.5":"b","1e-7":"e","true":"c"}]`},
		"blocks":         {"a: >-\n  x\n  y\n\n  z\nb: |\n  ---\n  x\n", `[{"a":"x y\nz","b":"---\nx\n"}]`},
		"documents":      {"a: 1\n---\n---\n# none\n--- # two\nb: 2\n...\n# c\n%YAML 1.2\n---\nc: 3\n---\n", `[{"a":1},{"b":2},{"c":3}]`},
		"on the marker":  {"--- {a: 1}\n--- |\n  text\n", `[{"a":1},"text\n"]`},
		"a mark, CRLF":   {"\ufeffa: 1\r\nb: |\r\n  x\r\n---\r\na: 2\r\n", `[{"a":1,"b":"x\n"},{"a":2}]`},
		"nothing":        {"# nothing\n", `[]`},
		"an alias":       {"a: &x {b: [1]}\nc: *x\n", `[{"a":{"b":[1]},"c":{"b":[1]}}]`},
		"anchored again": {"a: &x 1\nb: *x\nc: &x 2\nd: *x\n", `[{"a":1,"b":1,"c":2,"d":2}]`},
		"in keys":        {"&k a: 1\nb: *k\nc: &v d\n*v : e\n", `[{"a":1,"b":"a","c":"d","d":"e"}]`},
		"99 uses": {"a: &x 1\nb: [" + strings.Repeat("*x,", 99) + "]",
			`[{"a":1,"b":[` + strings.TrimSuffix(strings.Repeat("1,", 99), ",") + `]}]`},
		"a merge key": {"b: &b {x: 1, y: 2}\nc: {<<: *b, y: 3}\nd: {y: 4, <<: *b}\ne: {<<: [*b, {z: 9, x: 7}]}\n", `[{"b":{"x":1,"y":2},"c":{"x":1,"y":3},"d":{"x":1,"y":4},"e":{"x":1,"y":2,"z":9}}]`},
		"a quoted <<": {"\"<<\": text\n", `[{"<<":"text"}]`},
	} {
		all, problems := Documents("x.yaml", []byte(c.text), true)
		values := []any{}
		for _, d := range all {
			values = append(values, d.Value)
		}
		got, err := codec.Marshal(values)
		if err != nil || problems.HasErrors() || string(got) != c.want {
			t.Errorf("%s: %v %v\n got %s\nwant %s", name, err, problems, got, c.want)
		}
	}
	all, _ := Documents("x.yaml", []byte("a: &b {x: 1}\nc:\n  <<: *b\n"), false)
	if got := fmt.Sprint(all[0].Value); got != "map[a:map[x:1] c:map[<<:map[x:1]]]" {
		t.Errorf("without merging: %s", got)
	}
}

func TestDocumentsRefuses(t *testing.T) {
	laughs, last := "a: &a [x,x,x,x,x,x,x,x,x]\n", "a"
	for _, next := range []string{"b", "c", "d", "e", "f", "g", "h", "i"} {
		laughs, last = laughs+next+": &"+next+" ["+strings.TrimSuffix(strings.Repeat("*"+last+",", 9), ",")+"]\n", next
	}
	for name, c := range map[string]struct{ text, want string }{
		"a billion laughs": {laughs, "x.yaml:4:8: alias: aliases make this document too large"},
		"100 uses":         {"a: &x 1\nb: [" + strings.Repeat("*x,", 100) + "]", "x.yaml:2:302: alias: aliases make"},
		"99 nested uses": {"a: &x 1\nb: &y {k: [*x, *x]}\nc: [" + strings.Repeat("*y,", 33) + "]",
			"x.yaml:3:101: alias: aliases make"},
		"a large text": {"a: &x " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*x,", 20) + "]",
			"alias: aliases make"},
		"a circle":           {"a: &x [*x]\n", "x.yaml:1:8: alias: no anchor of this name above the alias"},
		"before its anchor":  {"b: 1\na: *x\nc: &x 1\n", "x.yaml:2:4: alias: no anchor of this name above the alias"},
		"of another":         {"a: &x 1\n---\nb: *x\n", "x.yaml:3:4: alias: no anchor of this name above the alias"},
		"twice":              {"b: 1\n---\na: 1\n'a': 2\n", `x.yaml:4:1: duplicate-key: "a" is written twice`},
		"twice as a number":  {"1: a\n0x1: b\n", "x.yaml:2:1: duplicate-key"},
		"merging a text":     {"a: &x 1\nb:\n  <<: *x\n", "x.yaml:3:7: alias: << merges mappings only"},
		"a mapping as a key": {"? {a: 1}\n: b\n", "x.yaml:1:3: complex-key"},
		"no YAML":            {"a: 1\n---\nb: [1\n", "x.yaml:3:"},
		"no marker":          {"a: 1\n...\nb: [1\n", "x.yaml:3:"},
		"no UTF-8":           {"a: \xff\n", "x.yaml:1:4: not-utf8"},
		"deep":               {strings.Repeat("[", 600) + strings.Repeat("]", 600), "too-deep"},
	} {
		start := time.Now()
		all, problems := Documents("x.yaml", []byte(c.text), true)
		if !problems.HasErrors() || !strings.Contains(problems[0].String(), c.want) {
			t.Errorf("%s: %v %v, want %s", name, len(all), problems, c.want)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// A real file with anchors must be accepted.
func TestDocumentsAnchors(t *testing.T) {
	text, err := os.ReadFile("testdata/data/anchors.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, problems := Documents("anchors.yaml", text, true)
	if problems.HasErrors() || len(all) != 2 || all[1].Pos.Line != 12 {
		t.Fatalf("%v %v", all, problems)
	}
	for i, name := range []string{"one", "two"} {
		v := all[i].Value.(map[string]any)
		if v["metadata"].(map[string]any)["name"] != name || v["spec"].(map[string]any)["owner"] != "group:default/payments" {
			t.Errorf("%v", v)
		}
	}
}

// The time for a file of many documents grows linearly with its size.
func TestDocumentsAreLinear(t *testing.T) {
	part := "---\nkind: API\nmetadata: {name: x}\nspec: {type: a, owner: b}\n"
	took := func(n int) time.Duration {
		start := time.Now()
		if all, problems := Documents("x", []byte(strings.Repeat(part, n)), true); problems.HasErrors() || len(all) != n {
			t.Fatal(problems)
		}
		return time.Since(start)
	}
	took(100)
	small, large := took(1000), took(8000)
	if large > 40*small+time.Second {
		t.Errorf("1,000 documents take %v, 8,000 take %v", small, large)
	}
}
