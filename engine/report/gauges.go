package report

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
)

// lastSuccess is the metric for alerts: a failed run keeps the value of the last good run.
const lastSuccess = "pipe_last_success_timestamp_seconds"

// A lasting state keeps the time at which it began from run to run.
const (
	refusedSince        = "pipe_refused_since_timestamp_seconds"
	deletionPausedSince = "pipe_deletion_paused_since_timestamp_seconds"
)

// Facts are what the metrics of a run contain in addition to its record.
type Facts struct {
	Guards []string `json:"guards,omitempty"` // that refused the run
	// Unmapped are the names in the file for records that no mapping takes.
	Unmapped []string `json:"unmapped,omitempty"`
	// Baseline and Whole are when the last good run and the last full publish ended; zero when
	// unknown. Hidden is the number of hidden documents; -1 when unknown.
	Baseline time.Time `json:"baseline,omitzero"`
	Whole    time.Time `json:"whole,omitzero"`
	Hidden   int       `json:"hidden"`
	// Expiries are the days on which tokens expire, by the token's path in the file.
	Expiries map[string]time.Time `json:"expiries,omitempty"`
	// Certificates are when the client certificates expire, by the end: source or sink.
	Certificates map[string]time.Time `json:"certificates,omitempty"`
	// Lasting is the state that began before the run or with it.
	Lasting Lasting `json:"lasting"`
}

// Gauges returns the metrics of a run of a pipeline that ended at a time. They contain only
// numbers and the names of the pipeline's parts.
func Gauges(pipeline string, r *Record, f Facts, ended time.Time) prometheus.Gatherer {
	m := newMetrics(pipeline)
	success := int64(0)
	if !f.Lasting.Success.IsZero() {
		success = f.Lasting.Success.Unix()
	}
	m.set("pipe_last_run_timestamp_seconds", "when the last run ended", float64(ended.Unix()))
	m.set(lastSuccess, "when the last run that delivered everything ended, 0 when none is known", float64(success))
	m.set("pipe_last_run_exit_code", "the exit code of the last run", float64(r.ExitCode))
	m.times(refusedSince, "since when a guard refuses each run, by guard; absent while none does", "guard",
		f.Lasting.Refused)
	m.times(deletionPausedSince,
		"since when the sink pauses the deletion of items that are no longer sent, by stream; absent while it does not",
		"stream", f.Lasting.Paused)
	m.state(f)
	m.times("pipe_credential_expiry_timestamp_seconds",
		"when a token expires, by its path in the file (token_expires)", "credential", f.Expiries)
	m.times("pipe_client_certificate_expiry_timestamp_seconds",
		"when the client certificate of the source or sink expires, by end; absent without one", "end", f.Certificates)
	if r.Report != nil {
		m.report(r.Report)
		unmapped := m.gauges("pipe_unmapped_records",
			"records of the last run that no mapping takes, by their name in the file (otherwise)", "reason")
		for _, name := range f.Unmapped {
			unmapped(name, float64(r.Report.Reasons[component.Filtered][name]))
		}
	}
	return m.registry
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
	m.compared(r)
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

// compared sets what the run changes compared with the last good run. It is absent when there
// is none.
func (m *metrics) compared(r *run.Report) {
	if r.Since != nil {
		m.set("pipe_widened_documents", "documents of the last run that more people find than after the last good run",
			float64(r.Since.Wider))
	}
	removed := m.gauges("pipe_removed_items",
		"items of the last good run that the last run does not have, by stream", "stream")
	for _, s := range r.Streams {
		if s.Changes != nil {
			removed(s.Name, float64(s.Changes.Gone))
		}
	}
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

// times registers a gauge with an additional label and sets it to times, by the values of the
// label.
func (m *metrics) times(name, help, label string, at map[string]time.Time) {
	set := m.gauges(name, help, label)
	for _, value := range slices.Sorted(maps.Keys(at)) {
		set(value, float64(at[value].Unix()))
	}
}

// set registers a gauge and sets its value.
func (m *metrics) set(name, help string, n float64) {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: m.labels})
	m.registry.MustRegister(g)
	g.Set(n)
}
