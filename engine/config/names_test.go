package config

import (
	"strings"
	"testing"
)

func TestVariableNames(t *testing.T) {
	doc, problems := Parse("x.yaml",
		[]byte("a: ${ONE}\nb: [\"x${TWO:-${THREE}}\", FOUR, five]\nc: ${file:/run/${SIX}}\nd: $${NOT}\ne: Seven\n"+
			"# ${COMMENT}\n"))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	if err := doc.Set("a", "other"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(doc.VariableNames(), " "); got != "FOUR SIX THREE TWO" {
		t.Errorf("after Set: %s", got)
	}
	doc, _ = Parse("x.yaml", []byte("a: ${ONE}\n"))
	if got := strings.Join(doc.VariableNames(), " "); got != "ONE" {
		t.Errorf("got %s", got)
	}
}
