package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// BenchmarkReadLatency is the read act against a source that takes 50 ms for each answer,
// compared with reading the same pages and discarding them. It prints the ratio of their
// wall time.
func BenchmarkReadLatency(b *testing.B) {
	s, err := backstagesandbox.Start(backstagesandbox.Options{Entities: generate.Catalog(10_000, 1),
		Latency: 50 * time.Millisecond})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var reading, bare time.Duration
	for range b.N {
		p := openShipped(b, s.URL())
		started := time.Now()
		if _, err := run.Run(b.Context(), p, run.Options{RunID: "bench", Until: run.Reviewed}); err != nil {
			b.Fatal(err)
		}
		reading += time.Since(started)
		p = openShipped(b, s.URL())
		started = time.Now()
		for _, ph := range p.Model.Phases() {
			if err := p.Source.Read(b.Context(), ph,
				func(context.Context, []*component.Record) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		bare += time.Since(started)
	}
	b.ReportMetric(reading.Seconds()/float64(b.N), "s/read-act")
	b.ReportMetric(reading.Seconds()/bare.Seconds(), "read-act/bare")
	b.ReportMetric(0, "ns/op")
}
