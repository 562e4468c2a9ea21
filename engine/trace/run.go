package trace

import (
	"context"
	"maps"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/run"
)

// Run is the span of a run. Its methods may be called from many goroutines, and on nil.
type Run struct {
	tracer trace.Tracer
	span   trace.Span

	mu     sync.Mutex
	parent context.Context // of requests: with the span of the act, or of the run between acts
	whole  context.Context // with the span of the run
}

// Run begins the span of a run of a pipeline.
func (t *Tracer) Run(pipeline, id string) *Run {
	if t == nil {
		return nil
	}
	ctx, span := t.tracer.Start(context.Background(), "run", trace.WithAttributes(
		attribute.String("pipe.pipeline", pipeline), attribute.String("pipe.run_id", id)))
	return &Run{tracer: t.tracer, span: span, parent: ctx, whole: ctx}
}

// Act begins the span of an act. It returns the function that ends it.
func (r *Run) Act(name string) (end func()) {
	if r == nil {
		return func() {}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx, span := r.tracer.Start(r.whole, name)
	r.parent = ctx
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.parent = r.whole
		span.End()
	}
}

// Request adds the span of an attempt of a request to an end, source or sink, that has just ended.
// It is called page for a page of the source's listing, upload for a page of an upload, and after
// its end and method otherwise.
func (r *Run) Request(end string, a component.Attempt) {
	if r == nil {
		return
	}
	r.mu.Lock()
	parent := r.parent
	r.mu.Unlock()
	name := end + " " + a.Method
	if a.Part != nil {
		name = a.Part.Name
	}
	_, span := r.tracer.Start(parent, name, trace.WithTimestamp(a.Began),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("pipe.end", end), attribute.String("http.request.method", a.Method)))
	if a.Status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", a.Status))
	}
	if a.Number > 1 {
		span.SetAttributes(attribute.Int("http.request.resend_count", a.Number-1))
	}
	if p := a.Part; p != nil {
		bytes := a.Received
		if p.Name == component.PartUpload {
			bytes = a.Sent
		}
		span.SetAttributes(attribute.String("pipe.page.kind", p.Kind), attribute.Int("pipe.page.number", p.Number),
			attribute.Int("pipe.page.records", p.Records), attribute.Int("pipe.page.bytes", bytes))
	}
	if a.Status == 0 || a.Status >= 400 {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// End ends the span with what the run did; the report is nil when the run did not begin. Only the
// first call has an effect.
func (r *Run) End(report *run.Report) {
	if r == nil {
		return
	}
	defer r.span.End()
	if report == nil {
		r.span.SetStatus(codes.Error, "did not begin")
		return
	}
	r.span.SetAttributes(attribute.String("pipe.verdict", string(report.Verdict)),
		attribute.Bool("pipe.sent", report.Sent), attribute.Int("pipe.records.read", report.Read))
	for _, e := range component.Endings {
		r.span.SetAttributes(attribute.Int("pipe.records."+e.String(), report.Endings[e]))
	}
	for _, a := range slices.Sorted(maps.Keys(report.Audience)) {
		if a != access.Undecided {
			r.span.SetAttributes(attribute.Int("pipe.documents."+a.String(), report.Audience[a]))
		}
	}
	for _, s := range report.Streams {
		if s.Written {
			r.span.SetAttributes(attribute.Int("pipe.items."+s.Name, s.Staged))
		}
	}
	switch report.Verdict {
	case run.VerdictRefused, run.VerdictFailed, run.VerdictStopped:
		r.span.SetStatus(codes.Error, string(report.Verdict))
	}
}
