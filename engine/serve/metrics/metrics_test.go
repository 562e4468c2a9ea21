package metrics_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/metrics"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sources/backstage"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
	"github.com/pipe-engine/pipe/transforms/set"
)

func registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{backstage.Spec().Any(), filesource.Spec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any(), set.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{glean.Spec().Any(), filesink.Spec().Any()},
	}
}

// world is a server with metrics.
type world struct {
	*servetest.World
	t       *testing.T
	metrics *metrics.Metrics
}

func newWorld(t *testing.T, more string) *world {
	return &world{World: servetest.New(t, registry(), "../../../pipelines/examples/files/handbook.yaml", more), t: t}
}

// start starts the server with metrics that count from 0.
func (w *world) start() *serve.Pipeline {
	w.t.Helper()
	w.metrics = metrics.New("v1.2.3")
	w.metrics.Watch(&w.Options)
	p := w.Start()
	if err := w.metrics.Attach(w.t.Context(), w.Server); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// scrape returns the metrics of the pipelines with these names.
func (w *world) scrape(names ...string) string {
	w.t.Helper()
	r := httptest.NewRecorder()
	w.metrics.Write(r, httptest.NewRequest("GET", "/metrics", nil), func(name string) bool {
		return strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ")
	})
	if r.Code != 200 || !strings.HasPrefix(r.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		w.t.Fatalf("%d %s\n%s", r.Code, r.Header().Get("Content-Type"), r.Body)
	}
	return r.Body.String()
}

// has compares the values of series, by their text up to the space.
func has(t *testing.T, text string, want map[string]string) {
	t.Helper()
	for series, value := range want {
		got := "absent"
		for line := range strings.Lines(text) {
			if v, found := strings.CutPrefix(line, series+" "); found {
				got = strings.TrimSpace(v)
			}
		}
		if got != value {
			t.Errorf("%s is %s, want %s", series, got, value)
		}
	}
}

// TestRuns: counters count what happens, the gauges are those of the last run that was no dry
// run, and a restart brings them back while counters begin at 0.
func TestRuns(t *testing.T) {
	w := newWorld(t, "schedule:\n  - cron: \"0 13 * * *\"\n")
	p := w.start()
	w.Settle()
	has(t, w.scrape("handbook"), map[string]string{
		`pipe_runs_total{pipeline="handbook",result="delivered"}`: "0",
		`pipe_run_running{pipeline="handbook"}`:                   "0",
		`pipe_run_queued{pipeline="handbook"}`:                    "0",
		`pipe_next_run_timestamp_seconds{pipeline="handbook"}`:    "1.7960436e+09",
		`pipe_last_run_exit_code{pipeline="handbook"}`:            "absent",
	})
	w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI})
	w.Write(100, 0) // 50 documents become public
	if r := w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI}); r.Class != int(job.Refused) {
		t.Fatalf("not refused: %+v", r)
	}
	refused := map[string]string{
		`pipe_last_run_timestamp_seconds{pipeline="handbook"}`:                        "1.79604e+09",
		`pipe_last_success_timestamp_seconds{pipeline="handbook"}`:                    "1.79604e+09",
		`pipe_last_run_exit_code{pipeline="handbook"}`:                                "4",
		`pipe_refused_since_timestamp_seconds{guard="max_widen",pipeline="handbook"}`: "1.79604e+09",
		`pipe_documents{audience="datasource-users",pipeline="handbook"}`:             "100",
		`pipe_widened_documents{pipeline="handbook"}`:                                 "50",
		`pipe_removed_items{pipeline="handbook",stream="documents"}`:                  "0",
		`pipe_refusal_waiting{pipeline="handbook"}`:                                   "1",
		`pipe_hidden_documents{pipeline="handbook"}`:                                  "0",
	}
	has(t, w.scrape("handbook"), refused)
	w.Write(100, 20)
	w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI, Dry: true})
	text := w.scrape("handbook")
	has(t, text, refused)
	has(t, text, map[string]string{
		`pipe_runs_total{pipeline="handbook",result="delivered"}`: "1",
		`pipe_runs_total{pipeline="handbook",result="refused"}`:   "2",
	})
	if !regexp.MustCompile(`(?m)^pipe_build_info\{goversion="go[^"]+",version="v1.2.3"\} 1$`).MatchString(text) {
		t.Error("no build info")
	}
	w.End()
	p = w.start()
	text = w.scrape("handbook")
	has(t, text, refused)
	has(t, text, map[string]string{`pipe_runs_total{pipeline="handbook",result="refused"}`: "0"})
	w.Settle()
	w.Clock.Advance(10)
	w.Write(100, 0)
	w.Clock.Advance(3600e9 / 2)
	w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI})
	has(t, w.scrape("handbook"), map[string]string{
		`pipe_refused_since_timestamp_seconds{guard="max_widen",pipeline="handbook"}`: "1.79604e+09",
		`pipe_last_run_timestamp_seconds{pipeline="handbook"}`:                        "1.7960418e+09",
	})
}

// TestFailed: a run that did not begin has the name of the pipeline and keeps what lasts.
func TestFailed(t *testing.T) {
	w := newWorld(t, "")
	p := w.start()
	w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI})
	if err := os.Remove(w.Records); err != nil {
		t.Fatal(err)
	}
	w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI})
	text := w.scrape("handbook")
	has(t, text, map[string]string{
		`pipe_last_success_timestamp_seconds{pipeline="handbook"}`: "1.79604e+09",
		`pipe_runs_total{pipeline="handbook",result="failed"}`:     "1",
	})
	if strings.Contains(text, w.Dir) {
		t.Errorf("a path is in\n%s", text)
	}
}

// TestPipelines: only the pipelines that the filter accepts are written.
func TestPipelines(t *testing.T) {
	w := newWorld(t, "")
	text, err := os.ReadFile(w.File)
	if err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(w.Dir, "second.yaml")
	changed := strings.NewReplacer("name: handbook", "name: second", "${HANDBOOK_OUT:-out}", filepath.Join(w.Dir, "out2")).
		Replace(string(text))
	if err := os.WriteFile(second, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Options.Files = append(w.Options.Files, second)
	w.start()
	for _, p := range w.Server.Pipelines() {
		w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI})
	}
	for _, c := range []struct{ names, want, not string }{
		{"handbook", `pipeline="handbook"`, `pipeline="second"`},
		{"second", `pipeline="second"`, `pipeline="handbook"`},
		{"", "pipe_build_info", "pipeline="},
	} {
		got := w.scrape(c.names)
		if !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%q: %s", c.names, got)
		}
	}
	if both := w.scrape("handbook", "second"); strings.Count(both, "# TYPE pipe_runs_total counter") != 1 ||
		strings.Count(both, "pipe_last_run_exit_code{") != 2 {
		t.Errorf("both: %s", both)
	}
}

// TestRequests: the requests of a run are counted by end and status, and no metric has a ref.
func TestRequests(t *testing.T) {
	w := newWorld(t, "")
	w.Options.Files = []string{"../../../pipelines/backstage.yaml"}
	w.Options.Job.Sandbox = true
	w.Options.Job.Lookup = os.LookupEnv
	p := w.start()
	if r := w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI}); r.Class > int(job.Rejected) {
		t.Fatalf("%+v %+v", r, r.Record.Error)
	}
	text := w.scrape("backstage")
	for _, series := range []string{
		`pipe_requests_total{end="source",pipeline="backstage",status="200"}`,
		`pipe_requests_total{end="sink",pipeline="backstage",status="200"}`,
	} {
		if !regexp.MustCompile(regexp.QuoteMeta(series) + ` [1-9]`).MatchString(text) {
			t.Errorf("no %s in\n%s", series, text)
		}
	}
	w.metrics.Watch(&w.Options)
	w.Options.Requested("backstage", "sink", 0)
	has(t, w.scrape("backstage"), map[string]string{
		`pipe_requests_total{end="sink",pipeline="backstage",status="none"}`: "1"})
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "pipe_") && strings.Contains(line, ":") {
			t.Errorf("a ref is in %s", line)
		}
	}
}

// TestDocumented: the reference lists every metric with its help.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../pipelines/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n### Metrics of pipe serve\n")
	table, _, _ = strings.Cut(table, "\n## ")
	w := newWorld(t, "schedule:\n  - cron: \"0 13 * * *\"\n")
	p := w.start()
	w.Options.Requested("handbook", "source", 200)
	before := w.scrape("handbook")
	n := 0
	for line := range strings.Lines(before) {
		if text, help := strings.CutPrefix(strings.TrimSpace(line), "# HELP pipe_"); help {
			name, doc, _ := strings.Cut(text, " ")
			if row := "| `pipe_" + name + "` | " + doc + " |\n"; !strings.Contains(table, row) {
				t.Errorf("the reference lacks\n%s", row)
			}
			n++
		}
	}
	if got := strings.Count(table, "\n| `pipe_"); got != n {
		t.Errorf("the reference has %d metrics, the server %d", got, n)
	}
	w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI})
	for line := range strings.Lines(w.scrape("handbook")) {
		if text, help := strings.CutPrefix(strings.TrimSpace(line), "# HELP pipe_"); help {
			name, doc, _ := strings.Cut(text, " ")
			if row := "| `pipe_" + name + "` | " + doc + " |\n"; !strings.Contains(string(page), row) {
				t.Errorf("the reference lacks\n%s", row)
			}
		}
	}
}
