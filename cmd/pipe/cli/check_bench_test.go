package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// BenchmarkCheck checks a file with more than 1,000 expressions: the small pipeline with
// that many defines, where each reads the previous one, and 100 rules. A person waits for
// it, so the limit is half a second.
func BenchmarkCheck(b *testing.B) {
	small, err := os.ReadFile("testdata/good/small.yaml")
	if err != nil {
		b.Fatal(err)
	}
	var defines strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&defines, "  name%d: |\n    lines(coalesce(metadata.title, name%d), entry(\"Owner\", "+
			"display(first(related(\"ownedBy\")))),\n      kind == \"Component\" ? spec.type : nil)\n", i+1, i)
	}
	var rules strings.Builder
	for i := range 100 {
		fmt.Fprintf(&rules, "    - name: rule %d\n      when: kind in [\"Component\", \"API\"] and metadata.namespace == "+
			"\"n%d\"\n      allow: owner\n", i, i)
	}
	text := strings.Replace(string(small), "define:\n", "define:\n  name0: metadata.name\n"+defines.String(), 1)
	text = strings.Replace(text, "title: name\n", "title: name1000\n", 1)
	text = strings.Replace(text, "  rules:\n", "  rules:\n"+rules.String(), 1)
	for b.Loop() {
		start := time.Now()
		d := pipeline.Parse("thousand.yaml", []byte(text),
			pipeline.Options{Registry: components.Registry(), Variables: config.Variables{Lenient: true}})
		if took := time.Since(start); took > time.Second/2 {
			b.Errorf("it took %v", took)
		}
		if len(d.Problems) > 0 {
			b.Fatal(d.Problems)
		}
	}
}

// BenchmarkRules checks many permission rules: the time grows with their number, not with its square.
func BenchmarkRules(b *testing.B) {
	small, err := os.ReadFile("testdata/good/small.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{400, 1600, 6400} {
		var rules strings.Builder
		for i := range n {
			fmt.Fprintf(&rules, "    - name: rule %d\n      when: metadata.namespace == \"n%d\" and kind in [\"Component\", "+
				"\"API\"]\n      allow: {groups: [\"group:default/g%d\"]}\n", i, i, i)
		}
		text := strings.Replace(string(small), "  rules:\n", "  rules:\n"+rules.String(), 1)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				d := job.Options{Path: "rules.yaml", Registry: components.Registry(), Text: []byte(text), Lenient: true,
					SkipSecrets: true}.Parse(b.Context())
				if len(d.Problems) > 0 {
					b.Fatal(d.Problems[0])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/rule")
		})
	}
}
