package cli

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// TestMisplacedLines: a line of the shipped pipeline with wrong indentation, which is
// invalid YAML, is one problem, at that line or next to it.
func TestMisplacedLines(t *testing.T) {
	lines := strings.Split(fileText(t, shipped), "\n")
	unreadable, elsewhere := 0, 0
	for i, line := range lines {
		text := strings.TrimLeft(line, " ")
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		for _, by := range []int{-2, -1, 1, 2} {
			indent := len(line) - len(text) + by
			if indent < 0 {
				continue
			}
			moved := append([]string{}, lines...)
			moved[i] = strings.Repeat(" ", indent) + text
			d := pipeline.Parse("x.yaml", []byte(strings.Join(moved, "\n")),
				pipeline.Options{Registry: components.Registry(), Variables: config.Variables{Lenient: true}})
			errs := d.Problems.Errors()
			if len(errs) == 0 || errs[0].Code != "yaml-syntax" {
				continue // YAML reads it, perhaps as something else
			}
			if unreadable++; len(errs) > 1 {
				t.Errorf("line %d moved by %d: %v", i+1, by, errs)
			}
			if at := errs[0].Line - (i + 1); at < -1 || at > 1 {
				elsewhere++
			}
		}
	}
	t.Logf("%d unreadable, %d reported at another line", unreadable, elsewhere)
	if unreadable < 200 || elsewhere*4 > unreadable {
		t.Errorf("%d of %d are reported at another line", elsewhere, unreadable)
	}
}
