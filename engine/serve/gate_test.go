package serve_test

import (
	"context"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
)

// gate stops the reading of a source until the test lets it go on.
type gate struct {
	reading chan struct{} // receives when a reading has stopped at the gate
	on      chan struct{} // a reading that receives goes on
}

// atGate makes each run of a world stop before it reads.
func atGate(w *servetest.World) *gate {
	g := &gate{make(chan struct{}), make(chan struct{})}
	source := w.Options.Job.Registry.Sources[0]
	open := source.Open
	source.Open = func(cfg any, s component.Settings) (component.Source, error) {
		inner, err := open(cfg, s)
		return &gated{Source: inner, gate: g}, err
	}
	w.Options.Job.Registry.Sources = []component.SourceSpec[any]{source}
	return g
}

// wait waits until a run reads.
func (g *gate) wait(t *testing.T) {
	t.Helper()
	select {
	case <-g.reading:
	case <-time.After(time.Minute):
		t.Fatal("no run reads after a minute")
	}
}

type gated struct {
	component.Source
	gate *gate
	past bool
}

// Read implements component.Source. A file is read phase by phase; the gate is before the first.
func (g *gated) Read(ctx context.Context, phase component.Phase, emit component.Emit) error {
	if !g.past {
		g.past = true
		for reading := g.gate.reading; ; {
			select {
			case reading <- struct{}{}:
				reading = nil
				continue
			case <-g.gate.on:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			break
		}
	}
	return g.Source.Read(ctx, phase, emit)
}
