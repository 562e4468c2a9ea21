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
		Path: "../../pipelines/backstage.yaml", Sandbox: true, Tracer: tracer, State: t.TempDir(),
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
	requests := map[string][]string{"read": {"source GET"}, "review": {"sink GET", "sink POST"},
		"publish": {"sink POST"}, "confirm": {"sink GET", "sink POST"}}
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
	for _, s := range r.spans {
		if text := s.String(); strings.Contains(text, "default/") || strings.Contains(text, "127.0.0.1") ||
			strings.Contains(text, "/api/") || strings.Contains(text, "secret") {
			t.Errorf("a span says too much: %s", text)
		}
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
	run.Request("sink", "POST", 0, time.Now().Add(-time.Hour))
	run.Request("sink", "POST", 503, time.Now())
	run.Request("sink", "POST", 200, time.Now())
	run.End(nil)
	run.End(&pipelinerun.Report{})
	tracer.Close()
	spans := r.named("sink POST")
	if len(spans) != 3 || len(r.named("run")) != 1 {
		t.Fatalf("%d requests, %d runs", len(spans), len(r.named("run")))
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
		if got := trace.Enabled(); got != c.want {
			t.Errorf("with %s=%s: %v", c.name, c.value, got)
		}
	}
	if trace.Start(t.Context(), "v1", slog.New(slog.DiscardHandler)) != nil {
		t.Error("traces are sent though they are disabled")
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
