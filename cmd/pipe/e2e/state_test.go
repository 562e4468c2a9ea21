package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// night is a world that has had a good run.
func night(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	if c := w.run(t); c.code != int(job.Done) {
		t.Fatalf("the first run: exit %d\n%s", c.code, c.both())
	}
	return w
}

func (w *world) run(t testing.TB, more ...string) call {
	t.Helper()
	return w.pipe(t,
		append([]string{"run", shipped, "--progress", "none", "--set", "@source.page_size=10", "--set",
			"@sink.batch.documents=9"}, more...)...)
}

// TestSecondRun: a run reports the changes since the last good one.
func TestSecondRun(t *testing.T) {
	t.Parallel()
	w := night(t)
	c := w.run(t)
	if c.code != int(job.Done) || !strings.Contains(c.stdout, "0 documents found by more people than after the run of") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	dir := filepath.Join(w.env["XDG_STATE_HOME"], "pipe")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 6 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		b, _ := os.ReadFile(filepath.Join(dir, f.Name()))
		if strings.Contains(string(b), sinkToken) || strings.Contains(string(b), "Payment Service") {
			t.Errorf("%s holds a secret or a title", f.Name())
		}
	}
}

// TestNights: what can happen in a night, and the result. A refused run sends nothing.
func TestNights(t *testing.T) {
	gone := backstagefaults.Half
	for name, tc := range map[string]struct {
		faults []backstagefaults.Fault
		env    map[string]string
		code   int
		want   []string
	}{
		"half the catalog is missing": {
			faults: []backstagefaults.Fault{{Hide: gone}}, code: int(job.Refused),
			want: []string{"max_loss: this run would delete", "gone from the source", "pipe run --approve "}},
		"half of it is not listed but there": {
			faults: []backstagefaults.Fault{{Path: "by-query", Hide: gone}}, code: int(job.Done),
			want: []string{"still exist; they were requested one by one"}},
		"half of it is not listed, and asking finds nothing": {
			faults: []backstagefaults.Fault{{Path: "by-query", Hide: gone}, {Path: "by-refs", Empty: true}},
			code:   int(job.Failed),
			want:   []string{"request "}},
		"all relations are missing": {
			faults: []backstagefaults.Fault{{Bare: true}}, code: int(job.Refused),
			want: []string{"max_loss", "memberships"}},
		"everything becomes everybody's": {
			env: map[string]string{"DEFAULT_PERMISSIONS": "all-users"}, code: int(job.Refused),
			want: []string{"max_widen", "default: datasource-users → all-users", "pipe run --approve ",
				"The pipeline file changed since the last run"}},
		"a kind is switched off": {
			env: map[string]string{"SYNC_COMPONENTS_ENABLED": "false"}, code: int(job.Refused),
			want: []string{"max_loss", "documents component", "Component switched off"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := night(t)
			before := len(w.index().Uploads)
			w.backstage.Fail(tc.faults...)
			for k, v := range tc.env {
				w.env[k] = v
			}
			c := w.run(t, "--set", "@source.retries.attempts=2")
			if c.code != tc.code {
				t.Errorf("exit %d, want %d\n%s", c.code, tc.code, c.both())
			}
			for _, want := range tc.want {
				if !strings.Contains(c.both(), want) {
					t.Errorf("%q is not said in\n%s", want, c.both())
				}
			}
			if after := len(w.index().Uploads); tc.code != int(job.Done) && after != before {
				t.Errorf("%d uploads were begun", after-before)
			}
		})
	}
}

const lastSuccessMetric = "pipe_last_success_timestamp_seconds"

// lastSuccess reads the time of the last success from a metrics file.
func lastSuccess(t *testing.T, file string) int64 {
	t.Helper()
	for line := range strings.Lines(read(t, file)) {
		if strings.HasPrefix(line, lastSuccessMetric) {
			var n float64
			if _, err := fmt.Sscan(strings.Fields(line)[1], &n); err != nil {
				t.Fatal(err)
			}
			return int64(n)
		}
	}
	t.Fatalf("%s has no %s", file, lastSuccessMetric)
	return 0
}

// TestMetrics: the alert is about runs that delivered everything, and no clock
// or sandbox hides a night that failed.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	file := filepath.Join(t.TempDir(), "pipe.prom")
	success := func(args ...string) int64 {
		t.Helper()
		w.run(t, append(args, "--metrics-file", file)...)
		return lastSuccess(t, file)
	}
	if n := success("--only", "users"); n != 0 {
		t.Errorf("users alone count as success: %d", n)
	}
	if n := success("--sandbox"); n != 0 {
		t.Errorf("a sandbox counts as success: %d", n)
	}
	if err := os.WriteFile(file, []byte(lastSuccessMetric+"{pipeline=\"backstage\"} 99999999999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.backstage.Fail(backstagefaults.Fault{Status: 403})
	if n := success(); n > time.Now().Unix() {
		t.Errorf("a success in the future: %d", n)
	}
	w.backstage.Heal()
	before := time.Now().Unix()
	if n := success("--report", t.TempDir()); n < before {
		t.Errorf("a good run whose report cannot be written: %d", n)
	}
}
