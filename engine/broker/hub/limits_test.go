package hub

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/config"
)

func TestLimitsOfAPipeline(t *testing.T) {
	c := &Caller{Concurrent: 3, PerSecond: 2, BytesPerHour: config.Bytes(100)}
	u := &usage{}
	now := time.Unix(7200, 0)
	begin := func(want bool, why string) {
		t.Helper()
		if u.begin(now, c) != want {
			t.Error(why)
		}
	}
	begin(true, "the first")
	begin(true, "the second")
	begin(false, "a third in this second")
	now = now.Add(time.Second)
	begin(true, "the first of the next second")
	begin(false, "a fourth at once")
	u.end()
	begin(true, "after one has ended")
	u.end()
	if !u.relayed(now, 100, c) || u.relayed(now, 1, c) {
		t.Error("bytes")
	}
	now = now.Add(time.Second)
	begin(false, "beyond the bytes")
	now = now.Add(time.Hour)
	begin(true, "in the next hour")
	if !u.relayed(now, 100, c) {
		t.Error("bytes of the next hour")
	}
}

// TestRate: the hub refuses more streams in a second than the file allows, with the time to wait.
func TestRate(t *testing.T) {
	w := start(t, acme(", per_second: 1"))
	w.issue(t, "acme", w.ca)
	if _, err := w.agent(t, "acme"); err != nil {
		t.Fatal(err)
	}
	refused := false
	for range 10 { // two of them are in one second
		_, err := w.echo(t, "good")
		if err != nil && codeOf(err) != tunnel.TooMany {
			t.Fatal(err)
		}
		refused = refused || err != nil
	}
	if !refused || w.hub.refused.Load() == 0 {
		t.Error("the rate has no limit")
	}
}

// TestDrain: a hub that stops refuses agents and streams with the reason, and a stream goes on until it
// ends.
func TestDrain(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	s, err := w.agent(t, "acme")
	if err != nil {
		t.Fatal(err)
	}
	stopping := s.Stopping()
	c, err := w.echo(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { w.stop(); close(ended) }()
	select {
	case <-stopping:
	case <-time.After(10 * time.Second):
		t.Fatal("the agent does not learn that the hub stops")
	}
	if _, err := w.echo(t, "good"); codeOf(err) != tunnel.Stopping {
		t.Errorf("a stream: %v", err)
	}
	if _, err := w.agent(t, "acme"); codeOf(err) != tunnel.Stopping {
		t.Errorf("an agent: %v", err)
	}
	if status, _ := w.ask(t, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("ready: %d", status)
	}
	if _, err := io.WriteString(c, "more"); err != nil {
		t.Error(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "more" {
		t.Errorf("%q %v", got, err)
	}
	select {
	case <-ended:
		t.Error("the hub has ended before the stream")
	default:
	}
	_ = c.Close()
	select {
	case <-ended:
	case <-time.After(4 * time.Second):
		t.Error("the hub does not end after the stream")
	}
}

// TestDrainIsBounded: a stream that does not end is cut, also when its pipeline does not read.
func TestDrainIsBounded(t *testing.T) {
	w := start(t, acme(""))
	w.hub.patience = 20 * time.Millisecond
	w.issue(t, "acme", w.ca)
	if _, err := w.agent(t, "acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.echo(t, "good"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { w.stop(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(4 * time.Second):
		t.Error("the hub waits for the stream")
	}
}

func (w *world) ask(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + w.hub.status.Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestStatus(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, _ := w.ask(t, path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := w.ask(t, "/other"); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
	for range 3 { // the third one is an alarm
		_, _ = w.agent(t, "acme", tunnel.HeaderVersion, "v1.3.0")
	}
	if _, err := w.echo(t, "bad"); codeOf(err) != tunnel.Unauthorized {
		t.Error(err)
	}
	if _, err := w.echo(t, "good"); err != nil {
		t.Fatal(err)
	}
	_, text := w.ask(t, "/metrics")
	for _, want := range []string{`pipe_hub_agent_sessions{agent="acme"} 2`,
		`pipe_hub_agent_info{agent="acme",version="v1.3.0"} 1`, "pipe_hub_streams 1", "pipe_hub_relayed_bytes_total 8",
		"pipe_hub_refused_total 1", "pipe_hub_alarms_total 1"} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	w.write(t, "hub.yaml", "version: 2\n")
	for deadline := time.Now().Add(10 * time.Second); ; {
		if status, _ := w.ask(t, "/readyz"); status == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a hub with a wrong file is ready")
		}
	}
	if status, _ := w.ask(t, "/healthz"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
}
