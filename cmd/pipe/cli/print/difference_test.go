package print

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// TestDifferences: only the innermost changed part is shown, in lines that fit the screen
// and do not control the terminal.
func TestDifferences(t *testing.T) {
	before := map[string]any{"a": "same", "b": map[string]any{"c": "x\ny\nz", "d": 1.0, "gone": true}, "tags": []any{"p"}}
	after := map[string]any{"a": "same", "b": map[string]any{"c": "x\nY\x1b[31m\nz", "d": 1.0, "new": nil},
		"tags": []any{"p", "q"}, "e": map[string]any{"f": "g"}}
	var got strings.Builder
	var st Style // without colours
	for _, d := range codec.Differences(before, after) {
		got.WriteString(Difference(d, st))
	}
	want := `  b.c
  - y
  + Y\u001b[31m
  b.gone
  - true
  e
  + {"f":"g"}
  tags
  - ["p"]
  + ["p","q"]
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	long := Difference(codec.Difference{Path: "x", Before: strings.Repeat("a\n", 100), After: strings.Repeat("b\n", 100)},
		st)
	if n := strings.Count(long, "\n"); n != 1+linesBefore+1+linesAfter+1 ||
		!strings.Contains(long, "… 92 more lines; --json shows all") {
		t.Errorf("%d lines:\n%s", n, long)
	}
}
