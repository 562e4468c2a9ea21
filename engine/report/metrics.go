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

// lastSuccess is the metric for alerts: a failed run keeps the value of the last good run.
const lastSuccess = "pipe_last_success_timestamp_seconds"

// A lasting state keeps the time at which it began from one metrics file to the next.
const (
	refusedSince        = "pipe_refused_since_timestamp_seconds"
	deletionPausedSince = "pipe_deletion_paused_since_timestamp_seconds"
)

// Facts are what the metrics of a run contain in addition to its record.
type Facts struct {
	Guards []string // that refused the run
	// Unmapped are the names in the file for records that no mapping takes.
	Unmapped []string
	// Baseline and Whole are when the last good run and the last full publish ended; zero when
	// unknown. Hidden is the number of hidden documents; -1 when unknown.
	Baseline, Whole time.Time
	Hidden          int
	// Expiries are the days on which tokens expire, by the token's path in the file.
	Expiries map[string]time.Time
	// Certificates are when the client certificates expire, by the end: source or sink.
	Certificates map[string]time.Time
}

// WriteMetrics replaces a file in Prometheus's text format with the metrics of a run. Others
// may read the file: it contains only numbers and the names of the pipeline's parts.
func WriteMetrics(path string, r *Record, f Facts) error {
	m := newMetrics(r.File)
	earlier := readEarlier(path)
	now := time.Now().Unix()
	success := int64(0)
	if r.Report != nil {
		m = newMetrics(r.Report.Pipeline)
		if r.Report.Since != nil {
			success = r.Report.Since.Finished.Unix()
		}
	}
	success = min(now, max(success, int64(earlier.value(lastSuccess, "", ""))))
	if r.whole() {
		success = now
	}
	m.set("pipe_last_run_timestamp_seconds", "when the last run ended", float64(now))
	m.set(lastSuccess, "when the last run that delivered everything ended, 0 when none is known", float64(success))
	m.set("pipe_last_run_exit_code", "the exit code of the last run", float64(r.ExitCode))
	m.refused(r, f, earlier, now)
	m.paused(r, earlier, now)
	m.state(f)
	m.expiries(f)
	expiry := m.gauges("pipe_client_certificate_expiry_timestamp_seconds",
		"when the client certificate of the source or sink expires, by end; absent without one", "end")
	for end, at := range f.Certificates {
		expiry(end, float64(at.Unix()))
	}
	if r.Report != nil {
		m.report(r.Report)
		unmapped := m.gauges("pipe_unmapped_records",
			"records of the last run that no mapping takes, by their name in the file (otherwise)", "reason")
		for _, name := range f.Unmapped {
			unmapped(name, float64(r.Report.Reasons[component.Filtered][name]))
		}
	}
	return m.write(path)
}

// refused sets since when the guards refuse. A run that did not reach its review leaves that
// unchanged.
func (m *metrics) refused(r *Record, f Facts, earlier families, now int64) {
	since := m.gauges(refusedSince, "since when a guard refuses each run, by guard; absent while none does", "guard")
	if !r.reviewed() {
		for _, s := range earlier[refusedSince] {
			since(s.labels["guard"], s.value)
		}
		return
	}
	for _, guard := range f.Guards {
		at := earlier.value(refusedSince, "guard", guard)
		if at == 0 {
			at = float64(now)
		}
		since(guard, at)
	}
}

// state sets what the state folder has. Unknown values are absent.
func (m *metrics) state(f Facts) {
	if !f.Baseline.IsZero() {
		m.set("pipe_baseline_timestamp_seconds", "when the run ended that the next one is compared with",
			float64(f.Baseline.Unix()))
	}
	if !f.Whole.IsZero() {
		m.set("pipe_last_full_publish_timestamp_seconds", "when everything was last published", float64(f.Whole.Unix()))
	}
	if f.Hidden >= 0 {
		m.set("pipe_hidden_documents", "documents that pipe hide keeps away from everyone", float64(f.Hidden))
	}
}

// expiries sets when tokens expire. A token without token_expires is absent.
func (m *metrics) expiries(f Facts) {
	expires := m.gauges("pipe_credential_expiry_timestamp_seconds",
		"when a token expires, by its path in the file (token_expires)", "credential")
	for path, at := range f.Expiries {
		expires(path, float64(at.Unix()))
	}
}

// reviewed reports whether a run reached its review and did not fail or stop.
func (r *Record) reviewed() bool {
	return r.Report != nil && r.Report.Verdict != run.VerdictFailed && r.Report.Verdict != run.VerdictStopped
}

// paused sets since when the sink pauses deletions, as refused does.
func (m *metrics) paused(r *Record, earlier families, now int64) {
	since := m.gauges(deletionPausedSince,
		"since when the sink pauses the deletion of items that are no longer sent, by stream; absent while it does not",
		"stream")
	if !r.reviewed() {
		for _, s := range earlier[deletionPausedSince] {
			since(s.labels["stream"], s.value)
		}
		return
	}
	for _, stream := range r.Report.Paused {
		at := earlier.value(deletionPausedSince, "stream", stream)
		if at == 0 {
			at = float64(now)
		}
		since(stream, at)
	}
}

// report sets the metrics of a run that began.
func (m *metrics) report(r *run.Report) {
	ended := m.gauges("pipe_records", "records of the last run by outcome", "ending")
	for _, e := range component.Endings {
		ended(e.String(), float64(r.Endings[e]))
	}
	items := m.gauges("pipe_items", "items of the last run by stream", "stream")
	unconfirmed := m.gauges("pipe_unconfirmed",
		"1 while an upload of the last run is not listed by the sink as complete, by stream", "stream")
	empty := 0
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
		waiting := 0.0
		if slices.Contains(r.Unconfirmed, s.Name) {
			waiting = 1
		}
		unconfirmed(s.Name, waiting)
		empty += s.Empty
	}
	m.set("pipe_groups_without_members", "groups of the last run without a known, active member", float64(empty))
	found := m.gauges("pipe_documents", "documents of the last run by who finds them", "audience")
	for _, a := range access.Audiences {
		found(a.String(), float64(r.Audience[a]))
	}
	m.set("pipe_rejected", "records that the last run rejected", float64(r.Endings[component.Rejected]))
	m.set("pipe_withheld", "records that the last run withheld, since no one may find them",
		float64(r.Endings[component.Withheld]))
	took := m.gauges("pipe_seconds", "how long each act of the last run took", "act")
	took("read", r.Seconds.Read)
	took("review", r.Seconds.Review)
	took("publish", r.Seconds.Publish)
	took("confirm", r.Seconds.Confirm)
}

// whole reports whether a run delivered every stream outside a sandbox.
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

// gauges registers a gauge with an additional label and returns a function that sets its value
// for a value of that label.
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

// write replaces the file atomically, which keeps a collector from reading half of it. The
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

// families are the gauges of an earlier file, by name.
type families map[string][]sample

// sample is the value of a gauge with labels.
type sample struct {
	labels map[string]string
	value  float64
}

// readEarlier reads a metrics file. It returns no metrics when the file cannot be read.
func readEarlier(path string) families {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(f)
	if err != nil {
		return nil
	}
	out := families{}
	for name, family := range all {
		for _, metric := range family.GetMetric() {
			one := sample{map[string]string{}, max(metric.GetGauge().GetValue(), metric.GetUntyped().GetValue())}
			for _, l := range metric.GetLabel() {
				one.labels[l.GetName()] = l.GetValue()
			}
			out[name] = append(out[name], one)
		}
	}
	return out
}

// value returns the value of a gauge by a label's value, 0 when there is none; label "" means a
// gauge without labels.
func (f families) value(name, label, value string) float64 {
	for _, s := range f[name] {
		if s.labels[label] == display.Lines(value) {
			return s.value
		}
	}
	return 0
}
