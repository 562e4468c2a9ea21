package metrics

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/serve"
)

// state returns what a pipeline does now.
func state(ctx context.Context, p *serve.Pipeline, log *slog.Logger) prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	set := func(name, help string, value float64) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help,
			ConstLabels: prometheus.Labels{"pipeline": display.Lines(p.Name)}})
		g.Set(value)
		registry.MustRegister(g)
	}
	now := p.Status()
	set("pipe_run_running", "1 while a run goes on", number(now.Running != ""))
	set("pipe_run_queued", "1 while a run waits to begin", number(now.Queued != ""))
	if !now.Next.IsZero() {
		set("pipe_next_run_timestamp_seconds", "when the schedule begins the next run; absent without a schedule",
			float64(now.Next.Unix()))
	}
	set("pipe_file_unusable", "1 while the pipeline file cannot be used and the last good one stays in use",
		number(now.Edit != nil))
	waiting, err := p.Waiting(ctx)
	if err != nil {
		log.Error("a metric is left out: the refusal that waits cannot be read", "pipeline", p.Name, "error", err)
		return registry
	}
	set("pipe_refusal_waiting", "1 while a refusal waits for approval", number(waiting != nil))
	return registry
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
