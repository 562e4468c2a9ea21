package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestTracesToCollector: a run sends its traces before the program ends, when the environment names a
// collector, and a collector that refuses them is one warning.
func TestTracesToCollector(t *testing.T) {
	var sent, refuse atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			sent.Add(1)
		}
		if refuse.Load() > 0 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer collector.Close()
	w := night(t)
	if c := w.run(t); c.code != int(job.Done) || sent.Load() != 0 {
		t.Fatalf("without a collector: exit %d, %d requests\n%s", c.code, sent.Load(), c.both())
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	if c := w.run(t); c.code != int(job.Done) || sent.Load() == 0 {
		t.Errorf("exit %d, %d requests\n%s", c.code, sent.Load(), c.both())
	}
	refuse.Store(1)
	w.run(t).expect(t, int(job.Done), "traces are not sent; runs are not affected")
}

// TestServerTraces: a server sends the traces of its runs before it ends.
func TestServerTraces(t *testing.T) {
	var sent atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			sent.Add(1)
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	s := startServer(t, t.TempDir(), "--sandbox", shipped)
	s.token = strings.TrimSpace(s.command("serve", "token", "add", "ci", "--role", "trigger").stdout)
	asked := s.call("POST", "/pipelines/backstage/runs", "", http.StatusAccepted)
	s.ended(asked["run"].(string))
	s.signal(syscall.SIGTERM, stopping)
	if code := s.exit(); code != 143 || sent.Load() == 0 {
		t.Errorf("exit %d, %d requests\n%s", code, sent.Load(), s.text())
	}
}
