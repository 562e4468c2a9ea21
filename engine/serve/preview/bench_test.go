package preview_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
	filesource "github.com/pipe-engine/pipe/sources/file"
)

// catalog returns the options for the shipped pipeline with about n documents, and who finds
// those without a mark.
func catalog(n int, found string) job.Options {
	var records []component.Recorded
	for _, raw := range generate.Catalog(n*10/8, 1) {
		records = append(records, component.Recorded{Raw: raw})
	}
	return entities(records, found)
}

// entities is catalog with these entities.
func entities(records []component.Recorded, found string) job.Options {
	variables := map[string]string{"DEFAULT_PERMISSIONS": found}
	return job.Options{
		Path: "../../../pipelines/backstage.yaml", Registry: registry(), State: state.None{}, PlaceholderUI: true,
		Lenient:     true,
		SkipSecrets: true, SinkLenient: true, Log: slog.New(slog.DiscardHandler),
		Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
		Source: func(d *pipeline.Definition) (component.Source, error) { return filesource.New(records, d.Model) },
	}
}

// BenchmarkBuild compares a dry run with a dry run that also makes the index, and measures what an
// index holds.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{20_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := catalog(n, "owner")
			var read, built time.Duration
			for range b.N {
				j, err := job.Open(context.Background(), o)
				if err != nil {
					b.Fatal(err)
				}
				j.Pipeline.Offline = true
				begun := time.Now()
				if _, err := j.Run(context.Background(), job.RunOptions{Until: run.Reviewed}); err != nil {
					b.Log(err)
				}
				j.Close()
				read += time.Since(begun)
				before := heap()
				begun = time.Now()
				x := build(b, o, b.TempDir())
				built += time.Since(begun)
				b.ReportMetric(float64(x.Documents), "documents")
				b.ReportMetric((heap()-before)/1e6, "MB-memory")
				b.ReportMetric(float64(size(b, x))/1e6, "MB-disk")
				x.Close()
			}
			b.ReportMetric(read.Seconds()/float64(b.N), "s/read")
			b.ReportMetric(built.Seconds()/float64(b.N), "s/read+index")
			b.ReportMetric((built-read).Seconds()/float64(b.N), "s/index")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func size(b *testing.B, x *preview.Index) int64 {
	n, err := x.Size(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkSearch searches as many people for words of every frequency.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{20_000, 100_000} {
		for _, found := range []string{"owner", "datasource-users"} {
			b.Run(fmt.Sprint(n, "/", found), func(b *testing.B) {
				x := build(b, catalog(n, found), b.TempDir())
				b.ResetTimer()
				search(b, x)
			})
		}
	}
}

func search(b *testing.B, x *preview.Index) {
	people := append(x.Match("", 500), preview.Person{})
	words := []string{"", "a", "service", "ledger", "nightly recon", "amber ledger", "zone", "payments", "Ana",
		"zzz", "production"}
	var took []time.Duration
	of := map[string]time.Duration{}
	for i := range b.N {
		q := preview.Query{Text: words[i%len(words)], Person: people[i%len(people)], View: preview.After}
		begun := time.Now()
		if _, err := x.Search(context.Background(), q); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
		of[q.Text] += took[i] * time.Duration(len(words)) / time.Duration(b.N)
	}
	b.Logf("mean: %v", of)
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}
