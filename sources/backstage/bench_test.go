package backstage

import (
	"context"
	"fmt"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// The reader's work for a page, without the network; the floor is decoding the page once.
func BenchmarkPage(b *testing.B) {
	const n = 500
	body := []byte(`{"items":[`)
	for i, e := range generate.Catalog(n, 1) {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, e...)
	}
	body = append(body, fmt.Sprintf(`],"totalItems":%d,"pageInfo":{}}`, n)...)
	var kinds []string
	whole, err := parsePage(body)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range whole.items {
		h, err := headOf(e, "")
		if err != nil {
			b.Fatal(err)
		}
		kinds = append(kinds, h.kind)
	}
	b.Run("reader", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p, err := parsePage(body)
			if err != nil {
				b.Fatal(err)
			}
			for i, e := range p.items {
				if _, err := record(e, kinds[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/entity")
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.Decode(body); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/entity")
	})
}

// A whole read from a sandbox in this process, gzip of both sides included.
func BenchmarkRead(b *testing.B) {
	const n = 5000
	f := start(b, sandbox.Options{Entities: generate.Catalog(n, 1)}, func(c *Config) { c.PageSize = 500 })
	b.ReportAllocs()
	for b.Loop() {
		records := 0
		for _, p := range f.cfg.phases() {
			if err := f.source.Read(b.Context(), p, func(_ context.Context, rs []*component.Record) error {
				records += len(rs)
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "us/entity")
}
