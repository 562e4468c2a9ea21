package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestWidened: documents that more people find are named, the first ones in the
// report, all of them in JSON and in the folder of --output.
func TestWidened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	w.env["DEFAULT_PERMISSIONS"] = "owner"
	if c := w.run(t); c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	w.env["DEFAULT_PERMISSIONS"] = "datasource-users"
	out := t.TempDir()
	lenient := []string{"--set", "guards.max_widen=100%", "--dry-run"}
	c := w.run(t, append(lenient, "--output", out)...)
	for _, want := range []string{"found by more people\n", "default: listed → datasource-users, ", ":default/", " more\n",
		"widened.ndjson"} {
		if c.code != int(job.Done) || !strings.Contains(c.stdout, want) {
			t.Errorf("exit %d, %q is not in\n%s", c.code, want, c.both())
		}
	}
	written := strings.Split(strings.TrimSpace(read(t, filepath.Join(out, "widened.ndjson"))), "\n")
	if !strings.Contains(written[0], `"before":"`) || !strings.Contains(written[0], `"after":"datasource-users"`) {
		t.Errorf("written %s", written[0])
	}
	if gone := read(t, filepath.Join(out, "gone.ndjson")); gone != "" {
		t.Errorf("gone: %s", gone)
	}
	var report struct {
		Data struct {
			Since struct {
				Wider   int `json:"wider"`
				Widened []struct {
					Ref string `json:"ref"`
				} `json:"widened"`
			} `json:"since"`
		} `json:"data"`
	}
	if err := codec.Unmarshal([]byte(w.run(t, append(lenient, "--json")...).stdout), &report); err != nil {
		t.Fatal(err)
	}
	since := report.Data.Since
	if n := len(written); n < 30 || since.Wider != n || len(since.Widened) != n || since.Widened[0].Ref == "" {
		t.Errorf("%d written, %d counted, %d in JSON", n, since.Wider, len(since.Widened))
	}
	if c := w.pipe(t, "diff", "--against", out, shipped); c.code != int(job.Done) {
		t.Errorf("diff with the folder: exit %d\n%s", c.code, c.both())
	}
	if c := w.run(t, "--output", out); c.code != int(job.Refused) || !strings.Contains(c.stderr, "max_widen") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if again := strings.Split(strings.TrimSpace(read(t, filepath.Join(out, "widened.ndjson"))),
		"\n"); len(again) != len(written) {
		t.Errorf("a refused run writes %d of %d", len(again), len(written))
	}
}
