package via_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/broker/agent"
	"github.com/pipe-engine/pipe/engine/broker/brokertest"
	"github.com/pipe-engine/pipe/engine/broker/hub"
	"github.com/pipe-engine/pipe/engine/broker/via"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
)

// part makes the test program a hub or an agent of the file that is its argument.
const part = "PIPE_TEST_BROKER"

func TestMain(m *testing.M) {
	which := os.Getenv(part)
	if which == "" {
		goleak.VerifyTestMain(m)
		return
	}
	quiet := slog.New(slog.DiscardHandler)
	stop := make(chan struct{}) // never closed: the process is killed
	var err error
	if which == "hub" {
		var h *hub.Hub
		if h, err = hub.Listen(os.Args[1], os.LookupEnv, quiet); err == nil {
			err = h.Run(stop)
		}
	} else {
		var a *agent.Agent
		if a, err = agent.Open(os.Args[1], agent.Options{Lookup: os.LookupEnv, Version: "v1.0.0", Log: quiet}); err == nil {
			err = a.Run(stop)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

const (
	pageSize  = 32 << 10
	largeSize = 200 << 20
)

// world is a target behind the processes of a hub and an agent.
type world struct {
	*brokertest.Files
	target         *httptest.Server
	asked          chan struct{} // a request to /pages/held
	large          atomic.Int64  // bytes of /pages/large that the agent has taken
	client, direct *http.Client
}

func start(t testing.TB) *world {
	t.Helper()
	w := &world{asked: make(chan struct{}, 1)}
	page := bytes.Repeat([]byte("0123456789abcdef"), pageSize/16)
	w.target = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/pages/held":
			w.asked <- struct{}{}
			<-r.Context().Done()
		case "/pages/large":
			rw.Header().Set("Content-Length", fmt.Sprint(largeSize))
			for n := 0; n < largeSize; n += len(page) {
				if _, err := rw.Write(page); err != nil {
					return
				}
				w.large.Add(int64(len(page)))
			}
		default:
			_, _ = rw.Write(page)
		}
	}))
	authority := filepath.Join(t.TempDir(), "target.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE",
		Bytes: w.target.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Files = brokertest.Write(t, brokertest.Options{Target: w.target.URL, Keys: "    proxy: none\n" +
		"    max_response: 300MiB\n    tls: {ca_file: " + authority + "}\n" +
		"    allow: [{method: GET, path: /pages/*}]\n"})
	cfg := connection.Default()
	cfg.TLS.CAFile = w.Path("hub.pem")
	way, err := via.New(via.Config{Hub: "https://" + w.Address, Agent: "acme", AgentKey: w.Pin,
		Token: config.NewSecret(w.Token), Wait: config.Duration(time.Minute)}, cfg, via.Settings{Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	through := &http.Transport{DialContext: way.DialContext, TLSClientConfig: way.TLS(), MaxIdleConnsPerHost: 8}
	w.client = &http.Client{Transport: prepared{through, way}}
	straight := &http.Transport{TLSClientConfig: w.target.Client().Transport.(*http.Transport).TLSClientConfig,
		MaxIdleConnsPerHost: 8}
	w.direct = &http.Client{Transport: straight}
	t.Cleanup(func() {
		through.CloseIdleConnections()
		straight.CloseIdleConnections()
		way.Close()
		w.target.CloseClientConnections()
		w.target.Close()
	})
	return w
}

// prepared adds the token for the agent.
type prepared struct {
	*http.Transport
	way *via.Way
}

// RoundTrip sends a request through the broker.
func (p prepared) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	p.way.Prepare(r.Header)
	return p.Transport.RoundTrip(r)
}

// process is a hub or an agent.
type process struct {
	*exec.Cmd
	kill func()
}

func (w *world) run(t testing.TB, which string) process {
	t.Helper()
	c := exec.Command(os.Args[0], w.Path(which+".yaml"))
	c.Env = append(os.Environ(), part+"="+which, "AGENT_TOKEN="+w.Own)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	t.Cleanup(kill)
	return process{c, kill}
}

// page reads a page.
func (w *world) page(ctx context.Context, c *http.Client, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/pages/a", nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || n != pageSize) {
		err = fmt.Errorf("%s, %d bytes", resp.Status, n)
	}
	return err
}

// usable waits until a page can be read.
func (w *world) usable(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		err := w.page(ctx, w.client, "https://portal")
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // the hub has no listener yet
	}
}

// BenchmarkAgentKilled: from the kill of the agent to the error of a request that waits. The goal is 50 ms.
func BenchmarkAgentKilled(b *testing.B) {
	w := start(b)
	w.run(b, "hub")
	var total, most time.Duration
	n := 0
	for b.Loop() {
		a := w.run(b, "agent")
		w.usable(b)
		w.client.CloseIdleConnections() // a request over a used connection is sent again, and waits for an agent
		failed := make(chan time.Time, 1)
		go func() {
			resp, err := w.client.Get("https://portal/pages/held")
			failed <- time.Now()
			if err == nil {
				_ = resp.Body.Close()
				b.Error("the request was answered")
			}
		}()
		<-w.asked
		began := time.Now()
		a.kill()
		took := (<-failed).Sub(began)
		total, most = total+took, max(most, took)
		n++
	}
	report(b, total, most, n)
}

// BenchmarkHubRestart: from the kill of the hub, which is started again at once, to the next page. The
// goal is 2 s.
func BenchmarkHubRestart(b *testing.B) {
	w := start(b)
	h := w.run(b, "hub")
	w.run(b, "agent")
	w.usable(b)
	var total, most time.Duration
	n := 0
	for b.Loop() {
		time.Sleep(6 * time.Second) // after a session of less than five seconds the agent pauses for longer
		began := time.Now()
		h.kill()
		h = w.run(b, "hub")
		w.usable(b)
		took := time.Since(began)
		total, most = total+took, max(most, took)
		n++
	}
	report(b, total, most, n)
}

func report(b *testing.B, total, most time.Duration, n int) {
	b.ReportMetric(float64(total.Microseconds())/1000/float64(n), "ms/op")
	b.ReportMetric(float64(most.Microseconds())/1000, "max-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkPages: pages of 32 KiB with four requests at a time, through the broker and directly from the
// same TLS server, in turns. The goal is 480 a second through the broker.
func BenchmarkPages(b *testing.B) {
	w := start(b)
	w.run(b, "hub")
	w.run(b, "agent")
	w.usable(b)
	const workers, each = 4, 32
	round := func(c *http.Client, address string) time.Duration {
		began := time.Now()
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for range each {
					if err := w.page(context.Background(), c, address); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		return time.Since(began)
	}
	round(w.client, "https://portal") // opens the connections
	round(w.direct, w.target.URL)
	var through, direct time.Duration
	n := 0
	for b.Loop() {
		through += round(w.client, "https://portal")
		direct += round(w.direct, w.target.URL)
		n += workers * each
	}
	b.ReportMetric(float64(n)/through.Seconds(), "req/s")
	b.ReportMetric(float64(n)/direct.Seconds(), "direct-req/s")
	b.ReportMetric(through.Seconds()/direct.Seconds(), "times-direct")
	b.ReportMetric(0, "ns/op")
}

// TestUnreadBodyBlocksNoOther: while 200 MB are not read, other requests are answered, and all parts
// together hold a fraction of it: the buffers of the kernel and the window of a stream.
func TestUnreadBodyBlocksNoOther(t *testing.T) {
	w := start(t)
	w.run(t, "hub")
	w.run(t, "agent")
	w.usable(t)
	resp, err := w.client.Get("https://portal/pages/large")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength != largeSize {
		t.Fatalf("%s %d", resp.Status, resp.ContentLength)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range 500 {
		if err := w.page(ctx, w.client, "https://portal"); err != nil {
			t.Fatalf("another request is blocked: %v", err)
		}
	}
	if n := w.large.Load(); n > largeSize/4 {
		t.Errorf("%d MB were taken of a body that is not read", n>>20)
	}
}
