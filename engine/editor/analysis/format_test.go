package analysis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/editor/text"
)

func formatted(t testing.TB, s string) string {
	t.Helper()
	w := New(host(), nil)
	w.Set("x.yaml", s)
	return text.Apply(s, w.Format("x.yaml"))
}

// TestFormat: blocks are indented by two spaces, lists below their key too, with their comments and
// the lines of their values.
func TestFormat(t *testing.T) {
	for name, one := range map[string]struct{ text, want string }{
		"nothing to do":    {"a:\n  b: 1 # c\n", "a:\n  b: 1 # c\n"},
		"ends of lines":    {"a: 1  \t\nb:\t\n  c: 2\n\n\n", "a: 1\nb:\n  c: 2\n"},
		"no end":           {"a: 1\nb: 2", "a: 1\nb: 2\n"},
		"four spaces":      {"a:\n    b:\n        c: 1\n    d: 2\n", "a:\n  b:\n    c: 1\n  d: 2\n"},
		"one space":        {"a:\n b:\n  c: 1\n", "a:\n  b:\n    c: 1\n"},
		"list at its key":  {"a:\n- b: 1\n  c: 2\n- d\ne: 3\n", "a:\n  - b: 1\n    c: 2\n  - d\ne: 3\n"},
		"wide dashes":      {"a:\n  -   b: 1\n      c: 2\n", "a:\n  - b: 1\n    c: 2\n"},
		"lists in lists":   {"a:\n- - b\n  -  c\n-\n    - d\n", "a:\n  - - b\n    - c\n  -\n    - d\n"},
		"list of the file": {"-   a: 1\n    b: 2\n", "- a: 1\n  b: 2\n"},
		"comments": {"# top\na:\n    # of b\n    b: 1 # same line\n    # of no key\n# of c\nc: 2\n",
			"# top\na:\n  # of b\n  b: 1 # same line\n  # of no key\n# of c\nc: 2\n"},
		"last comment": {"a:\n    b: 1\n    # end\n", "a:\n  b: 1\n  # end\n"},
		"commented lines": {"a:\n    - b: 1\n    # - c: 2\n    #   d: 3\n    - e: 4\n", "a:\n  - b: 1\n" +
			"  # - c: 2\n  #   d: 3\n  - e: 4\n"},
		"literal": {"a:\n    b: |\n        x\n          y  \n\n        # no comment\n    c: 1\n", "a:\n" +
			"  b: |\n      x\n        y  \n\n      # no comment\n  c: 1\n"},
		"literal at a dash": {"a:\n-   |\n    x\n     y\n", "a:\n  - |\n    x\n     y\n"},
		"plain lines":       {"a:\n    b: x\n        y\n    c:\n        z\n", "a:\n  b: x\n      y\n  c:\n    z\n"},
		"quoted lines": {"a:\n    b: 'x\n\n        y: 1'\n    c: \"z\\\n      w\"\n", "a:\n  b: 'x\n\n" +
			"      y: 1'\n  c: \"z\\\n    w\"\n"},
		"flow": {"a:\n    b: {c: 1,\n        d: [2, # x\n            3]\n    }\n", "a:\n" +
			"  b: {c: 1,\n      d: [2, # x\n          3]\n  }\n"},
		"anchors":            {"a: &x\n    b: 1\nc:\n    <<: *x\n", "a: &x\n  b: 1\nc:\n  <<: *x\n"},
		"emoji":              {"a:\n    \"é😀\": 1\n    b: 😀 # x\n", "a:\n  \"é😀\": 1\n  b: 😀 # x\n"},
		"not YAML":           {"a:\n    b: {c  \n", "a:\n    b: {c\n"},
		"tabs":               {"a:\n\tb: 1\n", "a:\n\tb: 1\n"},
		"twice the key":      {"a:\n    b: 1\n    b: 2\n", "a:\n    b: 1\n    b: 2\n"},
		"indentation header": {"a:\n    b: |2\n         x\n", "a:\n  b: |2\n       x\n"},
	} {
		for _, eol := range []string{"\n", "\r\n"} {
			t.Run(name, func(t *testing.T) {
				want := strings.ReplaceAll(one.want, "\n", eol)
				got := formatted(t, strings.ReplaceAll(one.text, "\n", eol))
				if got != want {
					t.Errorf("got:\n%q\nwant:\n%q", got, want)
				}
				if again := formatted(t, got); again != got {
					t.Errorf("not the same again:\n%q", again)
				}
			})
		}
	}
}

// TestFormatFiles: the shipped and the good files are formatted, and are again what they were when
// their indentation is doubled.
func TestFormatFiles(t *testing.T) {
	files, _ := filepath.Glob("../../../pipelines/*.yaml")
	good, _ := filepath.Glob("../../../cmd/pipe/cli/testdata/good/*.yaml")
	for _, file := range append(files, good...) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := string(b)
		if got := formatted(t, s); got != s {
			t.Errorf("%s is changed", file)
		}
		var doubled strings.Builder
		for line := range strings.Lines(s) {
			own := indentation(line)
			doubled.WriteString(strings.Repeat(" ", 2*own))
			if rest, ok := strings.CutPrefix(line[own:], "- "); ok {
				doubled.WriteString("-   " + rest)
			} else {
				doubled.WriteString(line[own:])
			}
		}
		got := formatted(t, doubled.String())
		if !sameFile(doubled.String(), got) {
			t.Errorf("%s: YAML reads something else", file)
		}
		same, lines := 0, strings.Split(s, "\n")
		for n, line := range strings.Split(got, "\n") {
			if line == lines[n] {
				same++
			}
		}
		if same < len(lines)*8/10 { // the lines of texts keep their distance from the key
			t.Errorf("%s: %d of %d lines are as before", file, same, len(lines))
		}
	}
}

// FuzzFormat: YAML reads the same in the result, and the characters are the same.
func FuzzFormat(f *testing.F) {
	f.Add("a:\n    - b: |\n        c\n      # d\n    e: {f: [g,\n h]}\n")
	f.Fuzz(func(t *testing.T, s string) {
		d := text.New(s)
		edits := append(tidy(d), indent(d)...)
		w := New(host(), nil)
		w.Set("x.yaml", s)
		if got := text.Apply(s, w.Format("x.yaml")); got != text.Apply(s, tidy(d)) && !sameFile(s, got) {
			t.Errorf("%q becomes %q by %v", s, got, edits)
		}
	})
}
