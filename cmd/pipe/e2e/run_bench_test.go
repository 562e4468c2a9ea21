package e2e

import (
	"fmt"
	"testing"
	"time"
)

func stopwatch() func() float64 {
	started := time.Now()
	return func() float64 { return time.Since(started).Seconds() }
}

// BenchmarkRun runs the shipped pipeline over a synthetic catalog, pipe and the two servers
// each in a separate process, and prints pipe's resource usage: the first night, a later
// one, which has a baseline, and one that also writes its output. Glean's limit of requests
// a second is lifted.
func BenchmarkRun(b *testing.B) {
	for _, n := range []int{10_000, 20_000, 100_000, 250_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := startServers(b, n)
			outer := b
			var state string
			for _, night := range []struct {
				name  string
				first bool
				args  []string
			}{{name: "first", first: true}, {name: "later"}, {name: "output", args: []string{"--output", b.TempDir()}}} {
				b.Run(night.name, func(b *testing.B) {
					var cpu, wall, peak float64
					b.ResetTimer()
					for range b.N {
						if night.first || state == "" {
							state = outer.TempDir()
						}
						u := runChild(b, append(s.env(), "XDG_STATE_HOME="+state), append([]string{"run", "--progress", "none",
							"--set", "@sink.requests_per_second=0", shipped}, night.args...)...)
						cpu, wall, peak = cpu+u.cpu, wall+u.wall, max(peak, u.peak)
					}
					runs := float64(b.N)
					b.ReportMetric(cpu/runs/float64(n)*1e6, "cpu-µs/entity")
					b.ReportMetric(wall/runs, "s/run")
					b.ReportMetric(peak, "peak-MB")
					b.ReportMetric(0, "ns/op")
				})
			}
		})
	}
}
