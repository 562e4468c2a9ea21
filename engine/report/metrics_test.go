package report

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/run"
)

// TestMetricsFile: the file has the documented series, others may read it, and a
// pipeline's name cannot add a line to it.
func TestMetricsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.prom")
	rep := &run.Report{Pipeline: "a \"b\"\nc{} 1", Paused: []string{"users"}}
	rep.Streams = []run.StreamReport{{Name: "users", Written: true, Staged: 3}, {Name: "groups"}}
	rep.Seconds.Read = 1.5
	if err := WriteMetrics(path, &Record{ExitCode: 3, Report: rep}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{
		`# HELP pipe_records records of the last run by how they ended`,
		`# TYPE pipe_records gauge`,
		`pipe_last_success_timestamp_seconds{pipeline="NAME"} 0`,
		`pipe_last_run_exit_code{pipeline="NAME"} 3`,
		`pipe_records{ending="delivered",pipeline="NAME"} 0`,
		`pipe_items{pipeline="NAME",stream="users"} 3`,
		`pipe_deletion_paused{pipeline="NAME",stream="users"} 1`,
		`pipe_documents{audience="nobody",pipeline="NAME"} 0`,
		`pipe_rejected{pipeline="NAME"} 0`,
		`pipe_withheld{pipeline="NAME"} 0`,
		`pipe_seconds{act="read",pipeline="NAME"} 1.5`,
	} {
		want = strings.ReplaceAll(want, "NAME", `a \"b\"\nc{} 1`)
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, `stream="groups"`) {
		t.Error("a stream that was not written is listed")
	}
	series := regexp.MustCompile(`^(# (HELP|TYPE) )?pipe_[a-z_]+[ {]`)
	for line := range strings.Lines(text) {
		if !series.MatchString(line) {
			t.Errorf("unexpected line %q", line)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
