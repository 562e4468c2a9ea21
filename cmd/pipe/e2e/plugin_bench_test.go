package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
	"github.com/pipe-engine/pipe/sources/backstage"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
)

// BenchmarkPlugin passes whole records to a plugin that reads one field and changes nothing,
// in batches of 500, compared with encoding and decoding the same records in this process,
// both ways. It prints the ratio of their CPU, that of pipe and the plugin together.
func BenchmarkPlugin(b *testing.B) {
	const batches, size = 40, 500
	model := backstage.NewModel(&backstage.Config{})
	var records []*component.Record
	for _, raw := range generate.Catalog(size, 1)[:size] {
		r := &component.Record{Raw: raw}
		if err := model.Decode(r); err != nil {
			b.Fatal(err)
		}
		records = append(records, r)
	}
	var plugin, inProcess time.Duration
	for range b.N {
		plugin += cpuOf(func() { throughPlugin(b, records, batches) })
		inProcess += cpuOf(func() { throughJSON(b, records, batches) })
	}
	n := float64(b.N * batches * size)
	b.ReportMetric(float64(plugin.Microseconds())/n, "plugin-cpu-µs/record")
	b.ReportMetric(float64(inProcess.Microseconds())/n, "round-trip-cpu-µs/record")
	b.ReportMetric(plugin.Seconds()/inProcess.Seconds(), "plugin/round-trip")
	b.ReportMetric(0, "ns/op")
}

func throughPlugin(b *testing.B, records []*component.Record, batches int) {
	t := pluginhost.New(pluginhost.Options{
		Name: "noop", Command: []string{os.Args[0]}, Unpinned: true, Env: []string{childVariable, markVariable},
		Timeout: patience, Batch: len(records), OnError: "fail",
		Lookup: func(name string) (string, bool) { return "plugin-noop", name == childVariable },
	})
	defer t.Close()
	if err := t.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	for range batches {
		if out, err := t.Apply(b.Context(), nil, records); err != nil || out[0] != (component.Outcome{}) {
			b.Fatal(err, out)
		}
	}
}

func throughJSON(b *testing.B, records []*component.Record, batches int) {
	for range batches {
		for _, r := range records {
			v := r.Value
			for range 2 { // there and back
				raw, err := codec.Marshal(v)
				if err == nil {
					v, err = codec.Decode(raw)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

// cpuOf is what this process and its ended children use for something.
func cpuOf(do func()) time.Duration {
	before := cpuTime()
	do()
	return cpuTime() - before
}
