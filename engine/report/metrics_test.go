package report

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/run"
)

// TestMetricsFile: the file has the documented series, others may read it, and a pipeline's
// name cannot add a line to it.
func TestMetricsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.prom")
	rep := &run.Report{Pipeline: "a \"b\"\nc{} 1", Paused: []string{"users"}}
	rep.Streams = []run.StreamReport{{Name: "users", Written: true, Staged: 3}, {Name: "groups"},
		{Name: "memberships", Written: true, Staged: 5, Empty: 2}}
	rep.Unconfirmed = []string{"memberships"}
	rep.Reasons = map[component.Ending]map[string]int{component.Filtered: {"no e-mail": 3, "a plugin's words": 7}}
	rep.Seconds.Read = 1.5
	rep.Since = &run.Since{Finished: time.Unix(1700000000, 0), Wider: 6}
	rep.Streams[0].Changes = &baseline.Changes{Gone: 9}
	if err := WriteMetrics(path, &Record{ExitCode: 3, Report: rep}, Facts{
		Guards: []string{"max_loss"}, Unmapped: []string{"no e-mail", "no mapping"}, Hidden: 4,
		Baseline: time.Unix(1700000000, 0), Whole: time.Unix(1690000000, 0),
		Expiries:     map[string]time.Time{"sink.glean.token": time.Unix(1800000000, 0)},
		Certificates: map[string]time.Time{"source": time.Unix(1800000000, 0)},
	}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{
		`# HELP pipe_records records of the last run by outcome`,
		`pipe_client_certificate_expiry_timestamp_seconds{end="source",pipeline="NAME"} 1.8e+09`,
		`# TYPE pipe_records gauge`,
		`pipe_last_success_timestamp_seconds{pipeline="NAME"} 1.7e+09`,
		`pipe_last_run_exit_code{pipeline="NAME"} 3`,
		`pipe_records{ending="delivered",pipeline="NAME"} 0`,
		`pipe_items{pipeline="NAME",stream="users"} 3`,
		`pipe_deletion_paused{pipeline="NAME",stream="users"} 1`,
		`pipe_documents{audience="nobody",pipeline="NAME"} 0`,
		`pipe_rejected{pipeline="NAME"} 0`,
		`pipe_withheld{pipeline="NAME"} 0`,
		`pipe_baseline_timestamp_seconds{pipeline="NAME"} 1.7e+09`,
		`pipe_last_full_publish_timestamp_seconds{pipeline="NAME"} 1.69e+09`,
		`pipe_hidden_documents{pipeline="NAME"} 4`,
		`pipe_credential_expiry_timestamp_seconds{credential="sink.glean.token",pipeline="NAME"} 1.8e+09`,
		`pipe_groups_without_members{pipeline="NAME"} 2`,
		`pipe_unconfirmed{pipeline="NAME",stream="memberships"} 1`,
		`pipe_unconfirmed{pipeline="NAME",stream="users"} 0`,
		`pipe_unmapped_records{pipeline="NAME",reason="no e-mail"} 3`,
		`pipe_unmapped_records{pipeline="NAME",reason="no mapping"} 0`,
		`pipe_widened_documents{pipeline="NAME"} 6`,
		`pipe_removed_items{pipeline="NAME",stream="users"} 9`,
		`pipe_seconds{act="read",pipeline="NAME"} 1.5`,
	} {
		want = strings.ReplaceAll(want, "NAME", `a \"b\"\nc{} 1`)
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "plugin") {
		t.Error("a reason that is not of the file is listed")
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

// TestMetricsSince: a lasting state keeps its beginning from run to run, also over a run that
// failed before its review, and is absent when it is over.
func TestMetricsSince(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.prom")
	since := func() (refused, loss, paused int64) {
		l := readLasting(path)
		unix := func(t time.Time) int64 {
			if t.IsZero() {
				return 0
			}
			return t.Unix()
		}
		return unix(l.Refused["max_widen"]), unix(l.Refused["max_loss"]), unix(l.Paused["users"])
	}
	write := func(verdict run.Verdict, paused []string, guards ...string) {
		t.Helper()
		rec := &Record{Report: &run.Report{Pipeline: "p", Verdict: verdict, Paused: paused}}
		if verdict == "" {
			rec = &Record{File: "p"}
		}
		if err := WriteMetrics(path, rec, Facts{Guards: guards, Hidden: -1}); err != nil {
			t.Fatal(err)
		}
	}
	begun := `pipe_refused_since_timestamp_seconds{guard="max_widen",pipeline="p"} 1000` + "\n" +
		`pipe_deletion_paused_since_timestamp_seconds{pipeline="p",stream="users"} 2000` + "\n"
	if err := os.WriteFile(path, []byte(begun), 0o644); err != nil {
		t.Fatal(err)
	}
	write(run.VerdictRefused, []string{"users"}, "max_widen", "max_loss")
	if refused, loss, paused := since(); refused != 1000 || loss < time.Now().Unix()-60 || paused != 2000 {
		t.Errorf("refused again: %v, %v, %v", refused, loss, paused)
	}
	write(run.VerdictFailed, nil)
	write("", nil)
	if refused, _, paused := since(); refused != 1000 || paused != 2000 {
		t.Errorf("after runs that failed: %v, %v", refused, paused)
	}
	write(run.VerdictDelivered, nil)
	if refused, loss, paused := since(); refused+loss+paused != 0 {
		t.Errorf("after a good run: %v, %v, %v", refused, loss, paused)
	}
}

// TestMetricsDocumented: the reference lists every metric with its help.
func TestMetricsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../pipelines/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pipe.prom")
	rep := &run.Report{Pipeline: "p", Verdict: run.VerdictRefused, Paused: []string{"s"},
		Since:   &run.Since{},
		Streams: []run.StreamReport{{Name: "s", Written: true, Changes: &baseline.Changes{}}}}
	facts := Facts{Guards: []string{"g"}, Unmapped: []string{"n"}, Baseline: time.Unix(1, 0), Whole: time.Unix(1, 0),
		Expiries:     map[string]time.Time{"p": time.Unix(1, 0)},
		Certificates: map[string]time.Time{"source": time.Unix(1, 0)}}
	if err := WriteMetrics(path, &Record{Report: rep}, facts); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		if text, help := strings.CutPrefix(strings.TrimSpace(line), "# HELP "); help {
			name, doc, _ := strings.Cut(text, " ")
			if row := "| `" + name + "` | " + doc + " |\n"; !strings.Contains(string(page), row) {
				t.Errorf("the reference lacks\n%s", row)
			}
			n++
		}
	}
	file, _, _ := strings.Cut(string(page), "\n### Metrics of pipe serve\n")
	if got := strings.Count(file, "\n| `pipe_"); got != n {
		t.Errorf("the reference has %d metrics, the file %d", got, n)
	}
}

// TestFutureSuccess: a clock that was ahead does not suppress alerts for long.
func TestFutureSuccess(t *testing.T) {
	now := time.Unix(1700000000, 0)
	if got := (Lasting{Success: now.Add(time.Hour)}).After(&Record{}, nil, now).Success; !got.Equal(now) {
		t.Errorf("the last success is %v", got)
	}
}
