package backstage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// manySites makes sites with pages of three sections.
func manySites(sites, pages int) (entities [][]byte, files map[string][]byte) {
	files = map[string][]byte{}
	words := strings.Repeat("Restart the service after the queue is empty. ", 25)
	for i := range sites {
		name := fmt.Sprintf("c%04d", i)
		entities = append(entities, documented(name, techDocsRef, "dir:."))
		var docs []string
		for p := range pages {
			path := fmt.Sprintf("guides/page-%03d/", p)
			docs = append(docs, fmt.Sprintf(`{"location":%q,"title":"Page %d","text":"One %s Two %s Three %s"}`, path,
				p, words, words, words))
			for _, s := range []string{"One", "Two", "Three"} {
				docs = append(docs, fmt.Sprintf(`{"location":"%s#%s","title":%q,"text":%q}`, path, strings.ToLower(s),
					s, words))
			}
		}
		at := "default/component/" + name + "/"
		files[at+"techdocs_metadata.json"] = fmt.Appendf(nil,
			`{"site_name":%q,"etag":"%d","build_timestamp":1767225600000}`, name, i)
		files[at+"search/search_index.json"] = fmt.Appendf(nil, `{"config":{"indexing":"full"},"docs":[%s]}`,
			strings.Join(docs, ","))
	}
	return entities, files
}

// BenchmarkTechDocs reads 500 sites with 20,000 pages from a server that takes 20 ms for an
// answer, and compares it with a plain download of the same files. peak-MB is the heap while the
// sites are read, beyond that of the server and its files.
func BenchmarkTechDocs(b *testing.B) {
	const sites, pages, atOnce = 500, 40, 4
	entities, files := manySites(sites, pages)
	f := start(b, sandbox.Options{Entities: entities, Sites: files, Latency: 20 * time.Millisecond},
		only("Component"), withDocs,
		func(c *Config) { c.TechDocs.Concurrency, c.TechDocs.MaxSize, c.PageSize = atOnce, 50<<20, 500 })
	var phase component.Phase
	for _, ph := range f.cfg.phases() {
		if ph.Attached {
			phase = ph
			continue
		}
		if err := f.source.Read(b.Context(), ph, func(context.Context,
			[]*component.Record) error {
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	hosts, _ := f.source.Hosts(phase)
	if len(hosts) != sites {
		b.Fatalf("%d sites", len(hosts))
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer client.CloseIdleConnections()
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // the files of the server are most of the heap
	var plain, read time.Duration
	var peak uint64
	for b.Loop() {
		begin := time.Now()
		workers := pool.New().WithErrors().WithMaxGoroutines(atOnce)
		for _, host := range hosts {
			for _, name := range []string{"techdocs_metadata.json", "search/search_index.json"} {
				address := f.URL() + staticDocs + "default/component/" + strings.TrimPrefix(host,
					"component:default/") + "/" + name
				workers.Go(func() error { return download(client, address) })
			}
		}
		if err := workers.Wait(); err != nil {
			b.Fatal(err)
		}
		plain += time.Since(begin)
		runtime.GC()
		before := heap()
		begin = time.Now()
		var n atomic.Int64
		readers := pool.New().WithErrors().WithMaxGoroutines(atOnce)
		for i, host := range hosts {
			readers.Go(func() error {
				got, err := f.source.ReadHost(b.Context(), phase, host, component.AttachedMark{},
					func(_ context.Context, records []*component.Record) error {
						n.Add(int64(len(records)))
						return nil
					})
				if err == nil && got.State != component.AttachedRead {
					err = fmt.Errorf("%s: %+v", host, got)
				}
				return err
			})
			if i%25 == 0 {
				peak = max(peak, heap()-min(before, heap()))
			}
		}
		if err := readers.Wait(); err != nil {
			b.Fatal(err)
		}
		read += time.Since(begin)
		if n.Load() != sites*pages {
			b.Fatalf("%d pages", n.Load())
		}
	}
	b.ReportMetric(read.Seconds()/float64(b.N), "s/read")
	b.ReportMetric(plain.Seconds()/float64(b.N), "s/download")
	b.ReportMetric(read.Seconds()/plain.Seconds(), "x-download")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
	b.ReportMetric(0, "ns/op")
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func download(client *http.Client, address string) error {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
