package report

import (
	"io"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
)

// lastSuccess is the metric that alerts look at: a run that fails leaves it as
// the last good one wrote it.
const lastSuccess = "pipe_last_success_timestamp_seconds"

// WriteMetrics replaces a file of Prometheus's text format with the numbers of
// a run. It may be read by others: it holds nothing but numbers and the names of
// the pipeline's parts.
func WriteMetrics(path string, r *Record) error {
	m := newMetrics(r.File)
	now := time.Now().Unix()
	success := int64(0)
	if r.Report != nil {
		m = newMetrics(r.Report.Pipeline)
		if r.Report.Since != nil {
			success = r.Report.Since.Finished.Unix()
		}
	}
	success = min(now, max(success, earlierSuccess(path)))
	if r.whole() {
		success = now
	}
	m.set("pipe_last_run_timestamp_seconds", "when the last run ended", float64(now))
	m.set(lastSuccess, "when the last run ended that delivered everything, 0 when none is known", float64(success))
	m.set("pipe_last_run_exit_code", "the exit code of the last run", float64(r.ExitCode))
	if r.Report != nil {
		m.report(r.Report)
	}
	return m.write(path)
}

// report sets the numbers that only a run that began has.
func (m *metrics) report(r *run.Report) {
	ended := m.gauges("pipe_records", "records of the last run by how they ended", "ending")
	for _, e := range component.Endings {
		ended(e.String(), float64(r.Endings[e]))
	}
	items := m.gauges("pipe_items", "items of the last run by stream", "stream")
	pauses := m.gauges("pipe_deletion_paused",
		"1 while the sink pauses the deletion of items that are no longer sent, by stream", "stream")
	for _, s := range r.Streams {
		if !s.Written {
			continue
		}
		items(s.Name, float64(s.Staged))
		paused := 0.0
		if slices.Contains(r.Paused, s.Name) {
			paused = 1
		}
		pauses(s.Name, paused)
	}
	found := m.gauges("pipe_documents", "documents of the last run by who finds them", "audience")
	for _, a := range access.Audiences {
		found(a.String(), float64(r.Audience[a]))
	}
	m.set("pipe_rejected", "records that the last run rejected", float64(r.Endings[component.Rejected]))
	m.set("pipe_withheld", "records that the last run withheld, since nobody may find them",
		float64(r.Endings[component.Withheld]))
	took := m.gauges("pipe_seconds", "how long each act of the last run took", "act")
	took("read", r.Seconds.Read)
	took("review", r.Seconds.Review)
	took("publish", r.Seconds.Publish)
	took("confirm", r.Seconds.Confirm)
}

// whole tells whether a run delivered everything to where people search.
func (r *Record) whole() bool {
	return r.Report != nil && r.Report.Verdict == run.VerdictDelivered && !r.Sandbox &&
		!slices.ContainsFunc(r.Report.Streams, func(s run.StreamReport) bool { return !s.Written })
}

// metrics are gauges that share the label pipeline.
type metrics struct {
	registry *prometheus.Registry
	labels   prometheus.Labels
}

func newMetrics(pipeline string) *metrics {
	return &metrics{prometheus.NewRegistry(), prometheus.Labels{"pipeline": display.Lines(pipeline)}}
}

// gauges registers a gauge with one more label and returns the function that sets
// its value for a value of that label.
func (m *metrics) gauges(name, help, label string) func(value string, n float64) {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: m.labels}, []string{label})
	m.registry.MustRegister(g)
	return func(value string, n float64) { g.WithLabelValues(display.Lines(value)).Set(n) }
}

// set registers a gauge and sets its value.
func (m *metrics) set(name, help string, n float64) {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: m.labels})
	m.registry.MustRegister(g)
	g.Set(n)
}

// write replaces the file whole, so a collector never reads half of it. The
// collector is another user.
func (m *metrics) write(path string) error {
	families, err := m.registry.Gather()
	if err != nil {
		return err
	}
	return atomicfile.Replace(path, atomicfile.Options{Mode: 0o644}, func(w io.Writer) error {
		for _, f := range families {
			if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// earlierSuccess returns the time of the last success in a metrics file, 0 when the
// file has none or cannot be read.
func earlierSuccess(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(f)
	if err != nil {
		return 0
	}
	for _, metric := range families[lastSuccess].GetMetric() {
		return int64(max(metric.GetGauge().GetValue(), metric.GetUntyped().GetValue()))
	}
	return 0
}
