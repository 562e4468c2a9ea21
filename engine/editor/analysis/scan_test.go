package analysis

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/text"
)

// TestScanAsYAML: the values that the scanner finds in the shipped files and the good files are those
// of YAML, each with its keys.
func TestScanAsYAML(t *testing.T) {
	files, err := filepath.Glob("../../../pipelines/*.yaml")
	more, _ := filepath.Glob("../../../cmd/pipe/cli/testdata/good/*.yaml")
	if files = append(files, more...); err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	contents := []string{`a: >-
  one
  two

  three
b: 'x
  y ''z'''
c: "x\
  y\t\u00e9 \"z\"

  q"
d: plain
  more # no
e: [a, {b: c, "d": 'e'}, [f]]
f: &x g
h: |
    i
    j
k: {l: m
    n, o: p}
`}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, string(b))
	}
	for _, content := range contents {
		for _, s := range []string{content, strings.ReplaceAll(content, "\n", "\r\n")} {
			compareToYAML(t, s)
		}
	}
}

func compareToYAML(t *testing.T, s string) {
	t.Helper()
	d := text.New(s)
	at := map[int]scalar{}
	all := scanner{d: d, offset: -1, see: func(v scalar) { at[v.start] = v }}
	all.run()
	doc, problems := config.Parse("x.yaml", []byte(s))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n := 0
	var walk func(n *config.Node, keys []string)
	walk = func(node *config.Node, keys []string) {
		for _, e := range node.Entries() {
			walk(e.Value, append(slices.Clone(keys), e.Key))
		}
		for _, one := range node.Items() {
			walk(one, append(slices.Clone(keys), item))
		}
		if node.Kind() != config.Scalar || node.IsNull() {
			return
		}
		n++
		v, ok := at[d.OffsetOf(node.Pos().Line, node.Pos().Col)]
		got := decode(s, v.from, v.to, v.style).text
		want := strings.TrimRight(node.Text(), "\n")
		if v.style == folded {
			got = strings.Join(strings.Fields(got), " ")
			want = strings.Join(strings.Fields(want), " ")
		}
		merged := ok && !slices.Equal(v.path, keys) // by an alias
		if !ok || got != want || merged && !strings.Contains(s, "<<:") {
			t.Errorf("%s: %v: %q, want %q at %v", node.Pos(), ok, got, want, keys)
		}
	}
	walk(doc.Root(), nil)
	if n < 5 {
		t.Errorf("%d values", n)
	}
}

// TestScanHalfWritten: each beginning of a file, and each file without one of its lines, has a
// cursor at each place.
func TestScanHalfWritten(t *testing.T) {
	content := small(t)
	for i := range content {
		c := at(text.New(content[:i]), i)
		if c.offset != i || c.from > c.to && c.onKey {
			t.Errorf("at %d: %+v", i, c)
		}
		_ = c.decoded()
	}
}

// FuzzScan: no text breaks the scanner, and the places of a value are in the text, in order.
func FuzzScan(f *testing.F) {
	f.Add(small(f), 100)
	f.Add("a: {b: [c, \"d\", 'e\n", 5)
	f.Add("- - - a\r\n  - b: \"\\x", 12)
	f.Add("a: >\n\n  b\n c: |", 9)
	f.Fuzz(func(t *testing.T, s string, offset int) {
		offset = max(0, min(offset, len(s)))
		c := at(text.New(s), offset)
		value := c.decoded()
		if len(value.at) != len(value.text)+1 || !slices.IsSorted(value.at) || c.from < 0 || c.to > len(s) {
			t.Errorf("%+v: %+v", c, value)
		}
	})
}

// scanTime is the most that two readings of one bomb may take.
var scanTime = 5 * time.Second

// TestScanBombs: brackets and dashes without end cost bounded time and memory.
func TestScanBombs(t *testing.T) {
	const bomb = 1 << 20
	for name, s := range map[string]string{
		"brackets": strings.Repeat("[", bomb), "braces": strings.Repeat("{a: ", bomb/4),
		"dashes": strings.Repeat("- ", bomb/2), "quotes": strings.Repeat("'", bomb-1),
		"keys": strings.Repeat("a: b\n", bomb/5), "words": "{" + strings.Repeat("a ", bomb/2),
		"lines": "a: b" + strings.Repeat("\n\n b", bomb/4), "quoted": "a: '" + strings.Repeat("\n ", bomb/2),
		"colons": strings.Repeat("a:", bomb/2), "open": "[" + strings.Repeat("\"", bomb-1),
	} {
		began := time.Now()
		at(text.New(s), len(s))
		at(text.New(s), len(s)/2)
		took := time.Since(began)
		if t.Logf("%s: %v", name, took); took > scanTime {
			t.Errorf("%s: %v", name, took)
		}
	}
}
