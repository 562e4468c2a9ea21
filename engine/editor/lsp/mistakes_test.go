package lsp

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/editor/text"
)

// mistakes is the table of mistakes, each with what pipe check reports.
func mistakes(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../../cmd/pipe/cli/testdata/bad/*.yaml")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d mistakes: %v", len(files), err)
	}
	return files
}

var reported = regexp.MustCompile(`(?m)^testdata/bad/\S+?:(\d+:\d+: (?:warning: )?[a-z-]+: .*)$`)

// A hint claims a fix when it says what to write. One with a gap for what only the author knows does
// not.
var (
	claims = regexp.MustCompile(`did you mean|\bwrite\b|^(start|indent|wrap|take one|put quotes|keep)|` +
		`^add \w+: |remove the line$`)
	gap = regexp.MustCompile(`…|\bEXPRESSION\b`)
)

// TestMistakes: each mistake of the table is a diagnostic at the place that pipe check reports, and
// each hint that says what to write has a code action after which the file has no such problem and no
// other instead.
func TestMistakes(t *testing.T) {
	c := start(t)
	var slowest time.Duration
	slow, fixed, hints := "", 0, 0
	for _, file := range mistakes(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			content, path := string(src), c.path(name+".yaml")
			began := time.Now()
			found := c.open(path, content)
			if took := time.Since(began); took > slowest {
				slowest, slow = took, name
			}
			var got, want []string
			d := text.New(content)
			for _, one := range found {
				line, col := d.PlaceOf(d.Offset(one.Range.Start))
				first, _, _ := strings.Cut(one.Message, "\n")
				got = append(got, fmt.Sprintf("%d:%d: %s%s: %s", line, col, map[int]string{2: "warning: "}[one.Severity],
					one.Code, first))
			}
			for _, m := range reported.FindAllStringSubmatch(string(golden), -1) {
				want = append(want, m[1])
			}
			if !slices.Equal(got, want) {
				t.Errorf("diagnostics:\n%s\npipe check:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			for _, one := range found {
				_, hint, _ := strings.Cut(one.Message, "\n")
				actions := c.actions(path, one)
				hints++
				if len(actions) == 0 && claims.MatchString(hint) && !gap.MatchString(hint) {
					t.Errorf("no code action for %q", hint)
				}
				for _, a := range actions {
					fixed++
					c.change(path, contentChange{Text: applied(content, a.Edit.Changes[uriOf(path)])})
					after := c.diagnostics(path)
					if len(after) >= len(found) {
						t.Errorf("%s: %v", a.Title, after)
					}
					c.change(path, contentChange{Text: content})
					c.diagnostics(path)
				}
			}
		})
	}
	t.Logf("%d fixes of %d problems; the slowest is %s: %v", fixed, hints, slow, slowest)
	if fixed < 65 {
		t.Errorf("only %d fixes", fixed)
	}
	if slowest > 2*time.Second { // BenchmarkDiagnostics has the time that it takes
		t.Errorf("%s took %v", slow, slowest)
	}
}

// actions returns the fixes of a diagnostic.
func (c *client) actions(path string, d diagnostic) (out []codeAction) {
	c.t.Helper()
	got := c.want("textDocument/codeAction", rangeParams{textDocument{URI: uriOf(path)}, d.Range})
	var all []codeAction
	if err := codec.Unmarshal([]byte(got), &all); err != nil {
		c.t.Fatalf("%v: %s", err, got)
	}
	for _, a := range all {
		if slices.Contains(a.Diagnostics, d) {
			out = append(out, a)
		}
	}
	return out
}

// BenchmarkDiagnostics is the time from a change to its diagnostics: for the shipped file, for the
// mistake that takes longest, and for a file of 5,000 lines.
func BenchmarkDiagnostics(b *testing.B) {
	shipped, err := os.ReadFile("../../../pipelines/backstage.yaml")
	if err != nil {
		b.Fatal(err)
	}
	files := map[string]string{"shipped": string(shipped), "5000 lines": long(b, string(shipped))}
	size := 0
	for _, file := range mistakes(b) {
		src, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		if len(src) > size {
			size, files["largest mistake"] = len(src), string(src)
		}
	}
	for name, content := range files {
		b.Run(name, func(b *testing.B) {
			c := start(b)
			path := c.path("x.yaml")
			c.open(path, content)
			i := 0
			for b.Loop() {
				i++
				c.change(path, contentChange{Text: fmt.Sprintf("%s# %d\n", content, i)})
				c.diagnostics(path)
			}
		})
	}
}

// long is a file with 5,000 lines, most of them expressions.
func long(t testing.TB, shipped string) string {
	t.Helper()
	var defines, rules strings.Builder
	defines.WriteString("  d0: metadata.name\n")
	for i := range 1300 {
		fmt.Fprintf(&defines, "  d%d: |\n    lines(metadata.title, d%d,\n      spec.type)\n", i+1, i)
	}
	for i := range 300 {
		fmt.Fprintf(&rules, "    - name: rule %d\n      when: metadata.namespace == \"n%d\"\n      allow: owner\n", i, i)
	}
	s := strings.Replace(shipped, "  rules:\n", "  rules:\n"+rules.String(), 1)
	s = strings.Replace(s, "  marks: concat", defines.String()+"  marks: concat", 1)
	s = strings.Replace(s, "title: name\n", "title: d1300\n", 1)
	if n := strings.Count(s, "\n"); n < 5000 {
		t.Fatalf("%d lines", n)
	}
	return s
}
