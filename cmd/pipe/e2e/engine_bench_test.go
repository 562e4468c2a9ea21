package e2e

import (
	"bufio"
	"context"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/run"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// BenchmarkEngine is the read act without the network: decode, mapping, permissions, encode,
// stage, of the shipped pipeline over 2,000 entities with one worker, compared with a
// hand-written program for the same documents with the same JSON library. It prints the
// ratio of their CPU.
func BenchmarkEngine(b *testing.B) {
	p, records := memoryPipeline(b, 2000)
	var engineCPU, floorCPU float64
	b.Run("engine", func(b *testing.B) {
		b.ReportAllocs()
		started := cpuTime().Seconds()
		for range b.N {
			if _, err := run.Run(b.Context(), p, run.Options{RunID: "bench", Until: run.Reviewed}); err != nil {
				b.Fatal(err)
			}
		}
		engineCPU = (cpuTime().Seconds() - started) / float64(b.N)
		b.ReportMetric(engineCPU/float64(len(records))*1e6, "cpu-µs/entity")
	})
	b.Run("by-hand", func(b *testing.B) {
		b.ReportAllocs()
		started := cpuTime().Seconds()
		for range b.N {
			byHand(b, records)
		}
		floorCPU = (cpuTime().Seconds() - started) / float64(b.N)
		b.ReportMetric(floorCPU/float64(len(records))*1e6, "cpu-µs/entity")
		if engineCPU > 0 {
			b.ReportMetric(engineCPU/floorCPU, "engine/by-hand")
		}
	})
}

// memory is a source that has read everything already.
type memory struct {
	byPhase map[string][]*component.Record
	all     []*component.Record
}

func (m *memory) Read(ctx context.Context, ph component.Phase, emit component.Emit) error {
	records := m.byPhase[ph.Name]
	for len(records) > 0 {
		page := make([]*component.Record, 0, 500)
		for _, r := range records[:min(500, len(records))] {
			page = append(page, &component.Record{Entry: r.Entry, Raw: r.Raw})
		}
		records = records[len(page):]
		if err := emit(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

func (*memory) Close() error { return nil }

// memoryPipeline is the shipped pipeline with a catalog in memory, and no sink
// to talk to.
func memoryPipeline(b *testing.B, n int) (*component.Pipeline, []*component.Record) {
	b.Helper()
	s, err := backstagesandbox.Start(backstagesandbox.Options{Entities: generate.Catalog(n, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	p := openShipped(b, s.URL())
	m := &memory{byPhase: map[string][]*component.Record{}}
	var mu sync.Mutex
	for _, ph := range p.Model.Phases() {
		err := p.Source.Read(b.Context(), ph, func(_ context.Context, records []*component.Record) error {
			mu.Lock()
			defer mu.Unlock()
			m.byPhase[ph.Name] = append(m.byPhase[ph.Name], records...)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		m.all = append(m.all, m.byPhase[ph.Name]...)
	}
	p.Source, p.Limits.Workers = m, 1
	return p, m.all
}

// openShipped is the shipped pipeline for a catalog, and no sink to talk to.
func openShipped(b *testing.B, url string) *component.Pipeline {
	b.Helper()
	d := pipeline.Load(shipped, pipeline.Options{Registry: components.Registry(), SinkLenient: true,
		Variables: config.Variables{Lookup: func(name string) (string, bool) {
			if name == "BACKSTAGE_BASE_URL" {
				return url, true
			}
			return "", false
		}}})
	p, closePipeline, err := d.Open(component.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(closePipeline)
	return p
}

// byHand makes the documents of the shipped pipeline without an engine.
func byHand(b *testing.B, records []*component.Record) {
	f, err := os.CreateTemp("", "by-hand-*")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	os.Remove(f.Name())
	w := bufio.NewWriterSize(f, 64<<10)
	emails, titles := map[string]string{}, map[string]string{}
	for _, r := range records {
		emails[r.Ref], titles[r.Ref] = r.Email, r.Title
	}
	shown := func(ref string) string {
		if t := titles[ref]; t != "" {
			return t
		}
		return ref[strings.LastIndexByte(ref, '/')+1:]
	}
	for _, r := range records {
		v, err := codec.Decode(r.Raw)
		if err != nil {
			b.Fatal(err)
		}
		meta, _ := v["metadata"].(map[string]any)
		spec, _ := v["spec"].(map[string]any)
		annotations, _ := meta["annotations"].(map[string]any)
		if annotations["backstage.io/orphan"] == "true" {
			continue
		}
		related := map[string][]string{}
		list, _ := v["relations"].([]any)
		for _, one := range list {
			rel, _ := one.(map[string]any)
			typ, _ := rel["type"].(string)
			target, _ := rel["targetRef"].(string)
			related[typ] = append(related[typ], target)
		}
		if r.Kind == "User" {
			body, err := codec.Marshal(gleanapi.User{Email: strings.ToLower(r.Email), Name: shown(r.Ref)})
			if err != nil {
				b.Fatal(err)
			}
			w.Write(body)
			continue
		}
		text := func(m map[string]any, name string) string { s, _ := m[name].(string); return s }
		doc := gleanapi.Document{Datasource: "backstage", ID: r.Ref, ObjectType: strings.ToLower(r.Kind), Title: shown(r.Ref),
			ViewURL: "https://backstage.example.com/catalog/" + strings.ToLower(r.Kind) + "/" + text(meta, "name")}
		var body strings.Builder
		body.WriteString(text(meta, "description"))
		owner := ""
		for _, o := range related["ownedBy"] {
			if owner == "" {
				owner = shown(o)
				body.WriteString("\nOwner: " + owner)
			}
			if mail := emails[o]; mail != "" {
				doc.Owner = &gleanapi.UserReference{Email: mail}
			}
		}
		links, _ := meta["links"].([]any)
		for _, one := range links {
			l, _ := one.(map[string]any)
			body.WriteString("\n- " + text(l, "title") + " (" + text(l, "url") + ")")
		}
		for _, kind := range []string{"providesApi", "consumesApi", "dependsOn", "hasMember", "ownerOf"} {
			for _, to := range related[kind] {
				body.WriteString("\n- " + shown(to))
			}
		}
		body.WriteString("\n" + text(spec, "definition"))
		doc.Summary = &gleanapi.Content{MimeType: "text/plain", TextContent: text(meta, "description")}
		doc.Body = &gleanapi.Content{MimeType: "text/plain", TextContent: body.String()}
		tags, _ := meta["tags"].([]any)
		for _, t := range tags {
			doc.Tags = append(doc.Tags, t.(string))
		}
		for _, name := range []string{"type", "lifecycle"} {
			if s := text(spec, name); s != "" {
				doc.CustomProperties = append(doc.CustomProperties, gleanapi.CustomProperty{Name: name, Value: s})
			}
		}
		doc.CustomProperties = append(doc.CustomProperties, gleanapi.CustomProperty{Name: "owner", Value: owner},
			gleanapi.CustomProperty{Name: "namespace", Value: text(meta, "namespace")},
			gleanapi.CustomProperty{Name: "ref", Value: r.Ref})
		doc.Permissions = &gleanapi.Permissions{AllowAllDatasourceUsersAccess: true}
		encoded, err := codec.Marshal(doc)
		if err != nil {
			b.Fatal(err)
		}
		w.Write(encoded)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}
