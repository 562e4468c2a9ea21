package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestOutputOrder: two runs of one catalog write the same bytes, however many workers and
// pages they have.
func TestOutputOrder(t *testing.T) {
	w := newWorld(t, backstagesandbox.Options{Entities: generate.Catalog(800, 3)}, gleansandbox.Options{})
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	rejecting := strings.Replace(string(b), "summary: description", "summary: lower(metadata.tags)", 1)
	file := write(t, "pipeline.yaml", rejecting)
	var first map[string]string
	for _, c := range []struct{ workers, page, batch string }{{"8", "50", "7"}, {"1", "500", "500"}, {"5", "90", "3"}} {
		out := t.TempDir()
		w.pipe(t, "run", "--dry-run", "--output", out, "--set", "limits.workers="+c.workers,
			"--set", "limits.batch.records="+c.batch, "--set", "@source.page_size="+c.page, file)
		files, err := filepath.Glob(filepath.Join(out, "*"))
		if err != nil || len(files) < 5 {
			t.Fatal(files, err)
		}
		got := map[string]string{}
		for _, file := range files {
			if filepath.Base(file) == "run.json" { // with the run's id and time
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got[filepath.Base(file)] = string(b)
		}
		if first == nil {
			first = got
		}
		for name, text := range first {
			if got[name] != text {
				t.Errorf("%s: %s differs, %d and %d bytes", c, name, len(text), len(got[name]))
			}
		}
		if len(first["documents.ndjson"]) < 100_000 || len(first["rejected.ndjson"]) == 0 {
			t.Errorf("%d bytes of documents, %d of rejections", len(first["documents.ndjson"]), len(first["rejected.ndjson"]))
		}
	}
}
