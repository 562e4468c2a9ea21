package trace

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer sends the spans of runs. A nil Tracer sends none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// enabled reports whether the environment names a collector for traces.
func enabled() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	switch exporter := os.Getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "otlp":
		return true
	case "":
		return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
	}
	return false
}

// Start returns a Tracer with the settings in the OTEL_ variables, or nil when they name no
// collector or cannot be used; then a warning is logged. The caller closes it.
func Start(ctx context.Context, version string, log *slog.Logger) *Tracer {
	if !enabled() {
		return nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol := os.Getenv(name); protocol != "" && protocol != "http/protobuf" {
			log.Warn("traces are sent as http/protobuf: " + name + " is not supported otherwise")
			break
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Warn("no traces are sent: the OTEL_ variables cannot be used: " + err.Error())
		return nil
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "pipe"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		log.Warn("the OTEL_ variables are used in part: " + err.Error())
	}
	p := sdk.NewTracerProvider(sdk.WithBatcher(&lenient{SpanExporter: exporter, log: log}), sdk.WithResource(about))
	return &Tracer{provider: p, tracer: p.Tracer("github.com/pipe-engine/pipe")}
}

// closing is how long Close waits for the collector.
const closing = 3 * time.Second

// Close sends the spans that wait, for at most three seconds.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the exporter logs its errors
}

// lenient logs the first error of an exporter, and returns none.
type lenient struct {
	sdk.SpanExporter
	log  *slog.Logger
	once sync.Once
}

// ExportSpans implements sdk.SpanExporter.
func (l *lenient) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.once.Do(func() { l.log.Warn("traces are not sent; runs are not affected: " + err.Error()) })
	}
	return nil
}
