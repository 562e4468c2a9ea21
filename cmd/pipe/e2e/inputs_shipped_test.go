package e2e

import (
	"path/filepath"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestInputsShipped: the output of the shipped pipeline for small catalog files from public
// reports.
func TestInputsShipped(t *testing.T) {
	t.Parallel()
	eval := func(expression, ref string) []string { return []string{"eval", shipped, expression, "--ref", ref} }
	for _, c := range []struct {
		file string
		call []string
		want []string // "!text" is not printed
	}{
		{"html-words.json", eval("description", "component:default/br"),
			[]string{"Takes orders.\nKeeps stock.\nSends mail.\n"}},
		{"html-words.json", eval("description", "component:default/p"), []string{"Takes orders.\n\nKeeps stock.\n"}},
		{"html-words.json", eval("description", "component:default/ul"), []string{"- orders\n- stock\n"}},
		{"html-words.json", eval("description", "component:default/table"), []string{"SLA | 99.9\n"}},
		{"html-words.json", eval("description", "component:default/inline"), []string{"aboldc and x2\n"}},
		{"mark-elsewhere.yaml", []string{"explain", shipped, "secret-one"},
			[]string{"private to its owners  decided: listed", "found by no one"}},
		{"mark-elsewhere.yaml", []string{"explain", shipped, "secret-two"},
			[]string{"private to its owners  decided: listed", "found by no one"}},
		{"location.yaml", []string{"explain", "--json", shipped, "platform-root"}, []string{`Targets:\n- ./systems/orders.yaml\n- https://git.example.com/platform/catalog/all.yaml`}},
		{"mailto.yaml", []string{"explain", shipped, "cleo"}, []string{"a user: cleo@example.com", "!mailto:"}},
	} {
		args := append(c.call, "--input", filepath.Join("..", "cli", "testdata", "inputs", c.file))
		pipe(t, nil, args...).expect(t, int(job.Done), c.want...)
	}
}
