package pipeline

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Open opens the source and the sink and returns the pipeline for run.Run. It reads certificate
// files and opens no connection. The caller must call close.
func (d *Definition) Open(s component.Settings) (p *component.Pipeline, close func(), err error) {
	if d.Problems.HasErrors() {
		return nil, nil, d.Problems.Errors()
	}
	source, err := d.OpenSource(s)
	if err != nil {
		return nil, nil, err
	}
	return d.OpenWith(source, s)
}

// OpenWith is Open with another source instead of the one of the file.
func (d *Definition) OpenWith(source component.Source, s component.Settings) (p *component.Pipeline, close func(),
	err error) {
	if d.Problems.HasErrors() {
		source.Close()
		return nil, nil, d.Problems.Errors()
	}
	sink, err := d.OpenSink(s)
	if err != nil {
		source.Close()
		return nil, nil, err
	}
	unwritten := map[string]string{}
	for _, st := range d.Streams {
		unwritten[st.Name] = d.Unwritten(st.Name)
	}
	p = &component.Pipeline{
		Name: d.File.Name, Language: d.Language, Model: d.Model, Source: source,
		Transforms: d.transforms, Mapper: d.mapper, Decider: d.decider,
		Streams: d.Streams, Sink: sink, Offline: len(d.SinkMissing) > 0, Limits: d.File.limits(),
		OnRefusal: component.OnRefusal(d.File.Guards.OnRefusal),
		Publish: component.Publish{Mode: component.PublishMode(d.File.Publish.Mode),
			FullEvery: d.File.Publish.FullEvery.D()},
		KeepAudit: d.File.Audit.Keep.D(),
		Unwritten: func(stream string) string { return unwritten[stream] }, Fingerprint: d.fingerprint(),
	}
	return p, func() { d.closeTransforms(); source.Close(); sink.Close() }, nil
}

func (d *Definition) closeTransforms() {
	for _, t := range d.transforms {
		if c, ok := component.Capability[io.Closer](t); ok {
			if err := c.Close(); err != nil {
				d.o.Log.Warn("a transform did not close cleanly", "transform", t.Name(), "error", err)
			}
		}
	}
}

// OpenSource opens only the source.
func (d *Definition) OpenSource(s component.Settings) (component.Source, error) {
	s.Model = d.Model
	source, err := d.Source.Open(d.SourceCfg, s)
	if err != nil {
		return nil, fmt.Errorf("source.%s: %w", d.Source.Name, err)
	}
	return source, nil
}

// TakesRecords reports whether records can be pushed to the source.
func (d *Definition) TakesRecords() bool { return d.Source.OpenRecords != nil }

// OpenRecords opens the store of pushed records, which the caller must close. It is an error
// when the source takes none.
func (d *Definition) OpenRecords(ctx context.Context, s component.Settings) (component.RecordStore, error) {
	if d.Problems.HasErrors() {
		return nil, d.Problems.Errors()
	}
	if !d.TakesRecords() {
		return nil, &fault.Invalid{Reason: "records cannot be pushed to the source " + d.Source.Name,
			Remedy: "use source: {push: …} in a pipeline for pushed records"}
	}
	s.Model = d.Model
	records, err := d.Source.OpenRecords(ctx, d.SourceCfg, s)
	if err != nil {
		return nil, fmt.Errorf("source.%s: %w", d.Source.Name, err)
	}
	return records, nil
}

// OpenSink opens only the sink.
func (d *Definition) OpenSink(s component.Settings) (component.Sink, error) {
	sink, err := d.Sink.Open(d.SinkCfg, s)
	if err != nil {
		return nil, fmt.Errorf("sink.%s: %w", d.Sink.Name, err)
	}
	return sink, nil
}

// MappingOf returns the facts about the mapping that made an item.
func (d *Definition) MappingOf(item component.Item) (facts component.MappingFacts, ok bool) {
	place := 0
	for _, f := range d.Facts {
		if f.Stream != item.Stream {
			continue
		}
		if place == item.Mapping {
			return f, true
		}
		place++
	}
	return component.MappingFacts{}, false
}

// Unwritten returns why a stream is not written: it has no mapping, it is not in --only, the
// sink gets it from another system, or every kind that feeds it is switched off. It returns ""
// when the stream is written.
func (d *Definition) Unwritten(stream string) string {
	kinds := d.FedBy(stream)
	if kinds == nil {
		return "no mapping for " + stream
	}
	if len(d.o.Only) > 0 && !slices.Contains(d.o.Only, stream) {
		return stream + " not in --only"
	}
	if i := slices.IndexFunc(d.Streams, func(s component.Stream) bool {
		return s.Name == stream
	}); i >= 0 && d.Streams[i].Elsewhere != "" {
		return d.Streams[i].Elsewhere
	}
	if len(kinds) == 0 {
		return "no kind that feeds " + stream + " is read"
	}
	var off []string
	for _, k := range kinds {
		if !d.off(k) {
			return ""
		}
		off = append(off, k)
	}
	return strings.Join(off, ", ") + " switched off"
}

// FedBy returns the kinds that may make items of a stream; nil when the stream has no mapping.
func (d *Definition) FedBy(stream string) []string {
	var out []string
	for _, f := range d.Facts {
		if f.Stream != stream {
			continue
		}
		if out == nil {
			out = []string{}
		}
		for _, k := range f.Kinds {
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

func (d *Definition) off(kind string) bool {
	for _, ph := range d.Model.Phases() {
		for _, k := range ph.Kinds {
			if k.Name == kind {
				return k.Off
			}
		}
	}
	return true
}
