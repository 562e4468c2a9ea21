package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
)

// TestStateMetrics: the metrics file has since when which guard refuses, the age of the
// baseline, and the people and groups who find nothing.
func TestStateMetrics(t *testing.T) {
	t.Parallel()
	w := night(t)
	path := filepath.Join(t.TempDir(), "pipe.prom")
	metric := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (.*)$`).FindSubmatch(b)
		if m == nil {
			return ""
		}
		return string(m[1])
	}
	const refused = `pipe_refused_since_timestamp_seconds{guard="max_loss",pipeline="backstage"}`
	w.backstage.Fail(backstagefaults.Fault{Hide: backstagefaults.Half})
	approvalIn(t, w.run(t, "--metrics-file", path))
	since, baseline := metric(refused), metric(`pipe_baseline_timestamp_seconds{pipeline="backstage"}`)
	if since == "" || baseline == "" {
		t.Errorf("refused since %q, baseline of %q", since, baseline)
	}
	old := strings.Replace(readFile(t, path), refused+" "+since, refused+" 1.5e+09", 1)
	if err := os.WriteFile(path, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	approvalIn(t, w.run(t, "--metrics-file", path))
	if metric(refused) != "1.5e+09" {
		t.Errorf("refused again: since %q", metric(refused))
	}
	w.backstage.Heal()
	if c := w.pipe(t, "hide", shipped, "--unseen", "component:default/checkout"); c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	if c := w.run(t, "--metrics-file", path); c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	for name, want := range map[string]string{
		refused: "",
		`pipe_unmapped_records{pipeline="backstage",reason="no e-mail"}`: "3",
		`pipe_groups_without_members{pipeline="backstage"}`:              "1",
		`pipe_hidden_documents{pipeline="backstage"}`:                    "1",
	} {
		if got := metric(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if metric(`pipe_last_full_publish_timestamp_seconds{pipeline="backstage"}`) == "" {
		t.Error("no last full publish")
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
