package metrics_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/metrics"
)

const monitoring = "../../../pipelines/examples/monitoring"

// everything returns metrics of a server in which each metric has a value.
func everything(t *testing.T) string {
	t.Helper()
	w := newWorld(t, "schedule:\n  - cron: \"0 13 * * *\"\n")
	p := w.start()
	w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI})
	last := w.Trigger(p, serve.Request{By: "t", How: serve.ByAPI})
	now := w.Clock.Now()
	last.Record.Report.Since = &run.Since{Finished: now}
	last.Record.Report.Reasons = map[component.Ending]map[string]int{component.Filtered: {"no e-mail": 1}}
	last.Facts = &report.Facts{
		Unmapped: []string{"no e-mail"}, Baseline: now, Whole: now,
		Expiries: map[string]time.Time{"sink.glean.token": now}, Certificates: map[string]time.Time{"source": now},
		Lasting: report.Lasting{Refused: map[string]time.Time{"max_widen": now}, Paused: map[string]time.Time{"users": now}},
	}
	if err := w.Server.History.End(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	w.metrics = metrics.New("v1.2.3")
	w.metrics.Watch(&w.Options)
	if err := w.metrics.Attach(t.Context(), w.Server); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"source", "sink"} {
		w.Options.Requested("handbook", end, 0)
	}
	w.Options.Observe(&history.Run{Pipeline: "handbook", Verdict: string(run.VerdictFailed)})
	return w.scrape("handbook")
}

var (
	selector = regexp.MustCompile(`\bpipe_[a-z_]+\b(\{[^}]*\})?`)
	matcher  = regexp.MustCompile(`([a-z]+)(=~|=|!=|!~)"([^"]*)"`)
)

// unknown returns the selectors of a query that select none of the metrics. A value after = is
// compared, any other matcher only needs its label.
func unknown(query, exposed string) (out []string) {
	for _, s := range selector.FindAllString(query, -1) {
		name, labels, _ := strings.Cut(s, "{")
		found := false
		for line := range strings.Lines(exposed) {
			series, _, _ := strings.Cut(line, " ")
			if series != name && !strings.HasPrefix(series, name+"{") {
				continue
			}
			all := true
			for _, m := range matcher.FindAllStringSubmatch(labels, -1) {
				want := m[1] + `="`
				if m[2] == "=" {
					want += m[3] + `"`
				}
				all = all && (strings.Contains(series, "{"+want) || strings.Contains(series, ","+want))
			}
			found = found || all
		}
		if !found {
			out = append(out, s)
		}
	}
	return out
}

// queries returns every query of a dashboard.
func queries(value any) (out []string) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			out = append(out, queries(one)...)
		}
	case map[string]any:
		for key, one := range v {
			if text, is := one.(string); is && (key == "expr" || key == "query") {
				out = append(out, text)
			}
			out = append(out, queries(one)...)
		}
	}
	return out
}

// TestExamples: the alert rules and the dashboard name only metrics and labels that a server
// exposes, and each alert has a test for promtool.
func TestExamples(t *testing.T) {
	exposed := everything(t)
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(monitoring, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var dashboard any
	if err := codec.Unmarshal([]byte(read("dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(queries(dashboard), "\n")
	alerts := read("alerts.yaml")
	for name, text := range map[string]string{"dashboard.json": all, "alerts.yaml": alerts} {
		if n := len(selector.FindAllString(text, -1)); n < 12 {
			t.Errorf("%s has only %d selectors", name, n)
		}
		if wrong := unknown(text, exposed); len(wrong) > 0 {
			t.Errorf("%s selects nothing with %q", name, wrong)
		}
	}
	tests := read("alerts.promtool.yaml")
	names := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(alerts, -1)
	for _, m := range names {
		if !strings.Contains(tests, "alertname: "+m[1]+"}") || !strings.Contains(tests, "alertname: "+m[1]+"\n") {
			t.Errorf("%s is not tested both quiet and firing", m[1])
		}
	}
	if len(names) < 10 {
		t.Errorf("only %d alerts", len(names))
	}
	for _, query := range []string{`pipe_docments`, `pipe_documents{audence="nobody"}`, `pipe_documents{audience="none"}`,
		`pipe_records{stream=~"a"}`} {
		if len(unknown(query, exposed)) == 0 {
			t.Errorf("%s is accepted", query)
		}
	}
}

// TestAlertsDocumented: the reference has the expressions of the alerts that it names.
func TestAlertsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../pipelines/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile(filepath.Join(monitoring, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `Pipe\\w+` \\| .* \\| `(.*)` \\|$").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 5 {
		t.Errorf("only %d alerts", len(rows))
	}
	for _, m := range rows {
		if !strings.Contains(string(alerts), "expr: "+m[1]+"\n") {
			t.Errorf("no alert has the expression %s", m[1])
		}
	}
}
