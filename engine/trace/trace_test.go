package trace_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	pipelinerun "github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/engine/trace"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sources/backstage"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
	"github.com/pipe-engine/pipe/transforms/set"
)

// receiver is a collector of traces.
type receiver struct {
	mu       sync.Mutex
	spans    []*otlp.Span
	resource []*common.KeyValue
	header   http.Header
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var sent collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil || req.URL.Path != "/v1/traces" {
		http.Error(w, "no traces", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header = req.Header
	for _, resource := range sent.ResourceSpans {
		r.resource = resource.Resource.Attributes
		for _, scope := range resource.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// named returns the spans with a name.
func (r *receiver) named(name string) (out []*otlp.Span) {
	for _, s := range r.spans {
		if s.Name == name {
			out = append(out, s)
		}
	}
	return out
}

// attribute returns the value of an attribute; nil when it is absent.
func attribute(all []*common.KeyValue, key string) *common.AnyValue {
	for _, a := range all {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

// sandboxRun runs the shipped pipeline against the sandbox.
func sandboxRun(t *testing.T, tracer *trace.Tracer) *job.Result {
	t.Helper()
	return job.Run(t.Context(), job.Request{Open: job.Options{
		Path: "../../pipelines/backstage.yaml", Sandbox: true, Tracer: tracer, State: state.Folder(t.TempDir()),
		Lookup: func(string) (string, bool) { return "", false }, Log: slog.New(slog.DiscardHandler),
		Registry: component.Registry{
			Sources:     []component.SourceSpec[any]{backstage.Spec().Any()},
			Transforms:  []component.TransformSpec[any]{filter.Spec().Any(), set.Spec().Any()},
			Mapper:      mapping.Spec().Any(),
			Permissions: permissions.Spec().Any(),
			Sinks:       []component.SinkSpec[any]{glean.Spec().Any()},
		},
	}})
}

// TestRun: a collector gets a span for the run, and below it one for each act and each request,
// without refs, addresses and secrets.
func TestRun(t *testing.T) {
	r := &receiver{}
	server := httptest.NewServer(r)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20collector-secret")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
	var log bytes.Buffer
	tracer := trace.Start(t.Context(), "v1.2.3", slog.New(slog.NewTextHandler(&log, nil)))
	result := sandboxRun(t, tracer)
	tracer.Close()
	if result.Err != nil || log.Len() > 0 {
		t.Fatalf("%v\n%s", result.Err, &log)
	}
	if got := r.header.Get("Authorization"); got != "Bearer collector-secret" {
		t.Errorf("Authorization is %q", got)
	}
	for key, want := range map[string]string{"service.name": "pipe", "service.version": "v1.2.3",
		"deployment.environment": "test"} {
		if got := attribute(r.resource, key).GetStringValue(); got != want {
			t.Errorf("the resource's %s is %q, want %q", key, got, want)
		}
	}
	runs := r.named("run")
	if len(runs) != 1 {
		t.Fatalf("%d spans of runs", len(runs))
	}
	whole := runs[0]
	for key, want := range map[string]string{"pipe.pipeline": "backstage", "pipe.verdict": "delivered",
		"pipe.run_id": result.Report.RunID} {
		if got := attribute(whole.Attributes, key).GetStringValue(); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	got := attribute(whole.Attributes, "pipe.records.read").GetIntValue()
	if got != int64(result.Report.Read) || got == 0 {
		t.Errorf("%d records read", got)
	}
	requests := map[string][]string{"read": {"page", "source GET"}, "review": {"sink GET", "sink POST"},
		"publish": {"upload", "sink POST"}, "confirm": {"sink GET", "sink POST"}}
	below := 0
	for act, names := range requests {
		spans := r.named(act)
		if len(spans) != 1 || !bytes.Equal(spans[0].ParentSpanId, whole.SpanId) {
			t.Fatalf("%d spans of the act %s: %v", len(spans), act, spans)
		}
		if spans[0].StartTimeUnixNano < whole.StartTimeUnixNano || spans[0].EndTimeUnixNano > whole.EndTimeUnixNano {
			t.Errorf("%s is not within the run", act)
		}
		n := 0
		for _, s := range r.spans {
			if !bytes.Equal(s.ParentSpanId, spans[0].SpanId) {
				continue
			}
			n++
			if !slices.Contains(names, s.Name) || s.Kind != otlp.Span_SPAN_KIND_CLIENT ||
				attribute(s.Attributes, "http.response.status_code").GetIntValue() == 0 {
				t.Errorf("below %s: %v", act, s)
			}
		}
		if n == 0 && act != "review" {
			t.Errorf("no requests below %s", act)
		}
		below += n
	}
	if before := len(r.spans) - 1 - len(requests) - below; before < 0 || before > 10 {
		t.Errorf("%d of %d spans are in no act", before, len(r.spans))
	}
	r.checkParts(t, "read", "page", "Component", result.Report.Read)
	uploaded := 0
	for _, s := range result.Report.Streams {
		if uploaded += s.Staged; s.Rows > 0 { // the members of groups
			uploaded += s.Rows - s.Staged
		}
	}
	r.checkParts(t, "publish", "upload", "documents", uploaded)
	for _, s := range r.spans {
		if text := s.String(); strings.Contains(text, "default/") || strings.Contains(text, "127.0.0.1") ||
			strings.Contains(text, "/api/") || strings.Contains(text, "secret") {
			t.Errorf("a span says too much: %s", text)
		}
	}
}

// checkParts checks the spans of the pages of a listing or an upload below an act: the pages of
// each kind are numbered from 1, one of the kinds is kind, and all pages together have n records.
func (r *receiver) checkParts(t *testing.T, act, name, kind string, n int) {
	t.Helper()
	below := r.named(act)[0].SpanId
	got, pages, last := 0, map[string]int64{}, map[string]int64{}
	for _, s := range r.named(name) {
		number := func(key string) int64 { return attribute(s.Attributes, key).GetIntValue() }
		of := attribute(s.Attributes, "pipe.page.kind").GetStringValue()
		pages[of]++
		last[of] = max(last[of], number("pipe.page.number"))
		if of == "" || number("pipe.page.number") < 1 || number("pipe.page.bytes") < 10 ||
			number("http.response.status_code") != 200 || !bytes.Equal(s.ParentSpanId, below) {
			t.Errorf("a span %s: %v", name, s)
		}
		got += int(number("pipe.page.records"))
	}
	for of, n := range last {
		if n > pages[of] {
			t.Errorf("%d pages of %s have numbers up to %d", pages[of], of, n)
		}
	}
	if pages[kind] == 0 || got != n {
		t.Errorf("the spans %s are of %v, with %d records; want some of %s, and %d records", name, pages, got, kind, n)
	}
}

// TestUnreachable: without a collector the run is what it is, and one warning is logged.
func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", server.URL+"/v1/traces")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5") // many exports
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
	var log bytes.Buffer
	tracer := trace.Start(t.Context(), "v1.2.3", slog.New(slog.NewTextHandler(&log, nil)))
	result := sandboxRun(t, tracer)
	begin := time.Now()
	tracer.Close()
	if took := time.Since(begin); took > 7*time.Second {
		t.Errorf("closing took %v", took)
	}
	if result.Err != nil || result.Class != job.Done {
		t.Errorf("the run: %v, %v", result.Class, result.Err)
	}
	if got := strings.Count(log.String(), "level=WARN"); got != 1 ||
		!strings.Contains(log.String(), "traces are not sent") {
		t.Errorf("%d warnings:\n%s", got, &log)
	}
}

// TestRequest: a request has its own time and outcome.
func TestRequest(t *testing.T) {
	r := &receiver{}
	server := httptest.NewServer(r)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	tracer := trace.Start(t.Context(), "v1.2.3", slog.New(slog.DiscardHandler))
	run := tracer.Run("p", "id")
	run.Request("sink", component.Attempt{Method: "POST", Number: 1, Began: time.Now().Add(-time.Hour)})
	run.Request("sink", component.Attempt{Method: "POST", Number: 2, Status: 503, Began: time.Now()})
	run.Request("sink", component.Attempt{Method: "POST", Number: 3, Status: 200, Began: time.Now()})
	for _, name := range []string{component.PartPage, component.PartUpload} {
		run.Request("end", component.Attempt{Method: "POST", Number: 1, Status: 200, Began: time.Now(), Sent: 17,
			Received: 18, Part: &component.Part{Name: name, Kind: "k", Number: 2, Records: 3}})
	}
	run.End(nil)
	run.End(&pipelinerun.Report{})
	tracer.Close()
	spans := r.named("sink POST")
	if len(spans) != 3 || len(r.named("run")) != 1 {
		t.Fatalf("%d requests, %d runs", len(spans), len(r.named("run")))
	}
	for i, s := range spans {
		if got := attribute(s.Attributes, "http.request.resend_count").GetIntValue(); got != int64(i) {
			t.Errorf("attempt %d has been made again %d times", i+1, got)
		}
	}
	for name, size := range map[string]int64{component.PartPage: 18, component.PartUpload: 17} {
		parts := r.named(name)
		if len(parts) != 1 || attribute(parts[0].Attributes, "pipe.page.bytes").GetIntValue() != size ||
			attribute(parts[0].Attributes, "pipe.page.kind").GetStringValue() != "k" ||
			attribute(parts[0].Attributes, "pipe.page.number").GetIntValue() != 2 ||
			attribute(parts[0].Attributes, "pipe.page.records").GetIntValue() != 3 {
			t.Errorf("the span of a %s: %v", name, parts)
		}
	}
	if took := time.Duration(spans[0].EndTimeUnixNano - spans[0].StartTimeUnixNano); took < time.Hour {
		t.Errorf("took %v", took)
	}
	var got []otlp.Status_StatusCode
	for _, s := range append(spans, r.named("run")...) {
		got = append(got, s.GetStatus().GetCode())
	}
	if want := []otlp.Status_StatusCode{2, 2, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("the statuses are %v, want %v", got, want)
	}
}

// TestBusy: a collector that asks to wait does not keep the program from ending.
func TestBusy(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	tracer := trace.Start(t.Context(), "v1.2.3", slog.New(slog.DiscardHandler))
	tracer.Run("p", "id").End(nil)
	begin := time.Now()
	tracer.Close()
	if took := time.Since(begin); took < time.Second || took > 10*time.Second {
		t.Errorf("closing took %v", took)
	}
}

// TestEnabled: traces are sent only when the variables name a collector.
func TestEnabled(t *testing.T) {
	for _, name := range os.Environ() {
		if name, _, _ = strings.Cut(name, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"OTEL_SERVICE_NAME", "x", false},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9", true},
		{"OTEL_TRACES_EXPORTER", "none", false},
		{"OTEL_TRACES_EXPORTER", "otlp", true},
		{"OTEL_SDK_DISABLED", "true", false},
	} {
		t.Setenv(c.name, c.value)
		tracer := trace.Start(t.Context(), "v1", slog.New(slog.DiscardHandler))
		if got := tracer != nil; got != c.want {
			t.Errorf("with %s=%s: %v", c.name, c.value, got)
		}
		tracer.Close()
	}
}

// TestWrong: a wrong variable is a warning.
func TestWrong(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	var log bytes.Buffer
	tracer := trace.Start(t.Context(), "v1", slog.New(slog.NewTextHandler(&log, nil)))
	tracer.Close()
	if !strings.Contains(log.String(), "OTEL_EXPORTER_OTLP_PROTOCOL") {
		t.Errorf("logged: %s", &log)
	}
}
