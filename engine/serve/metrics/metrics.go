package metrics

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// results are the values of the label result; a run that did not begin has failed.
var results = []run.Verdict{
	run.VerdictDelivered, run.VerdictUnconfirmed, run.VerdictDry, run.VerdictRefused, run.VerdictFailed,
	run.VerdictStopped, history.VerdictHeld,
}

// noResponse is the value of the label status for an attempt without a response.
const noResponse = "none"

// Metrics are the metrics of a server.
type Metrics struct {
	process *prometheus.Registry

	mu        sync.Mutex
	pipelines map[string]*counts
	server    *serve.Server // nil before Attach
}

// counts are the metrics of a pipeline that are not read from the server when they are written.
type counts struct {
	registry *prometheus.Registry
	runs     *prometheus.CounterVec
	requests *prometheus.CounterVec
	last     prometheus.Gatherer // of the last run; nil without one
}

// New returns the metrics of a server with this version of pipe.
func New(version string) *Metrics {
	m := &Metrics{process: prometheus.NewRegistry(), pipelines: map[string]*counts{}}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "pipe_build_info", Help: "1, with the version of pipe and of Go",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.process.MustRegister(build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Watch makes a server that is opened with these options report its runs and requests. It is
// called before serve.Open.
func (m *Metrics) Watch(o *serve.Options) {
	o.Observe = m.ended
	o.Requested = m.requested
}

// Attach begins to serve the metrics of a server that was opened with the options of Watch, and
// reads the last runs from its history. It is called before Server.Run.
func (m *Metrics) Attach(ctx context.Context, s *serve.Server) error {
	for _, p := range s.Pipelines() {
		last, err := s.History.Measured(ctx, p.Name)
		if err != nil && !errors.Is(err, history.ErrNotFound) {
			return err
		}
		m.mu.Lock()
		c := m.of(p.Name)
		if err == nil {
			c.last = report.Gauges(p.Name, last.Record, *last.Facts, last.Ended)
		}
		m.mu.Unlock()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server = s
	return nil
}

// of returns the counts of a pipeline. The caller holds mu.
func (m *Metrics) of(pipeline string) *counts {
	if c := m.pipelines[pipeline]; c != nil {
		return c
	}
	labels := prometheus.Labels{"pipeline": display.Lines(pipeline)}
	c := &counts{registry: prometheus.NewRegistry()}
	c.runs = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pipe_runs_total",
		Help: "runs that have ended since the server started, by result", ConstLabels: labels}, []string{"result"})
	c.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pipe_requests_total",
		Help: "attempts of requests since the server started, by end (source or sink) and status " +
			"(none without a response)", ConstLabels: labels}, []string{"end", "status"})
	c.registry.MustRegister(c.runs, c.requests)
	for _, r := range results {
		c.runs.WithLabelValues(string(r))
	}
	m.pipelines[pipeline] = c
	return c
}

// ended counts a run. A dry run does not replace the metrics of the last run.
func (m *Metrics) ended(r *history.Run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.of(r.Pipeline)
	c.runs.WithLabelValues(cmp.Or(r.Verdict, string(run.VerdictFailed))).Inc()
	if r.Facts != nil {
		c.last = report.Gauges(r.Pipeline, r.Record, *r.Facts, r.Ended)
	}
}

// requested counts an attempt of a request.
func (m *Metrics) requested(pipeline, end string, status int) {
	text := noResponse
	if status != 0 {
		text = strconv.Itoa(status)
	}
	m.mu.Lock()
	c := m.of(pipeline)
	m.mu.Unlock()
	c.requests.WithLabelValues(end, text).Inc()
}

// counted returns the metrics of a pipeline that are not read from the server.
func (m *Metrics) counted(pipeline string) []prometheus.Gatherer {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.of(pipeline)
	if c.last == nil {
		return []prometheus.Gatherer{c.registry}
	}
	return []prometheus.Gatherer{c.registry, c.last}
}

// Write answers a request with the metrics of the process and of the pipelines that may accepts.
func (m *Metrics) Write(w http.ResponseWriter, r *http.Request, may func(pipeline string) bool) {
	m.mu.Lock()
	server := m.server
	m.mu.Unlock()
	if server == nil {
		http.Error(w, "the server is starting", http.StatusServiceUnavailable)
		return
	}
	all, log := prometheus.Gatherers{m.process}, server.Log()
	for _, p := range server.Pipelines() {
		if may(p.Name) {
			all = append(append(all, state(r.Context(), p, log)), m.counted(p.Name)...)
		}
	}
	promhttp.HandlerFor(all, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError)}).
		ServeHTTP(w, r)
}
