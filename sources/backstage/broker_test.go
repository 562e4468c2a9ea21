package backstage

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/agent"
	"github.com/pipe-engine/pipe/engine/broker/brokertest"
	"github.com/pipe-engine/pipe/engine/broker/hub"
	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/broker/via"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// broker is a hub and an agent for a sandbox, on loopback.
type broker struct{ *brokertest.Files }

func newBroker(t *testing.T, target string) *broker {
	t.Helper()
	b := &broker{brokertest.Write(t, brokertest.Options{Target: target,
		Keys: "    token: ${TARGET_TOKEN}\n    allow:\n      - preset: backstage-catalog\n"})}
	t.Setenv("AGENT_TOKEN", b.Own)
	t.Setenv("TARGET_TOKEN", token)
	return b
}

// runHub runs the hub until the function is called.
func (b *broker) runHub(t *testing.T) (end func()) {
	t.Helper()
	h, err := hub.Listen(b.Path("hub.yaml"), os.LookupEnv, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return runUntil(t, h.Run)
}

// runAgent runs the agent until the function is called.
func (b *broker) runAgent(t *testing.T) (end func()) {
	t.Helper()
	a, err := agent.Open(b.Path("agent.yaml"), agent.Options{Presets: Presets(), Lookup: os.LookupEnv, Version: "v1.0.0",
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := runUntil(t, a.Run)
	return func() {
		stop()
		a.Close()
	}
}

func runUntil(t *testing.T, run func(stop <-chan struct{}) error) (end func()) {
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- run(stop) }()
	done := false
	end = func() {
		if done {
			return
		}
		done = true
		close(stop)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	return end
}

// source opens a source that reads by way of the agent.
func (b *broker) source(t *testing.T, adjust ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{cfg: &Config{URL: "https://portal", PageSize: 32, Concurrency: 2, Config: connection.Default(),
		Via: &via.Config{Hub: "https://" + b.Address, Agent: "acme", AgentKey: b.Pin, Token: config.NewSecret(b.Token),
			Wait: config.Duration(20 * time.Second)}}}
	f.cfg.TLS.CAFile = b.Path("hub.pem")
	for _, a := range adjust {
		a(f.cfg)
	}
	var err error
	if f.source, err = Open(f.cfg, component.Settings{UserAgent: "pipe/test (p; run R1)", Loopback: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.source.Close() })
	return f
}

func TestReadThroughHubAndAgent(t *testing.T) {
	s := start(t, sandbox.Options{Entities: sandbox.Company()})
	b := newBroker(t, s.URL())
	defer b.runHub(t)()
	defer b.runAgent(t)()
	f := b.source(t)
	defer f.source.Close()
	all, err := f.readAll(t)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := s.readAll(t)
	if err != nil || len(all.records) != len(direct.records) || len(all.records) == 0 {
		t.Fatalf("%d of %d records, %v", len(all.records), len(direct.records), err)
	}
	for _, r := range s.asked() {
		if r.Header.Get(tunnel.HeaderCaller) != "" || r.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("the target received %v", r.Header)
		}
	}

	_, err = f.source.conn.Allowing(func(string, string) bool { return true }).Do(t.Context(),
		connection.Request{Method: "GET", Path: "/api/catalog/locations"})
	if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(),
		"agent acme denied the request: no rule allows it") {
		t.Errorf("%v", err)
	}
	mark, err := requestlog.ParseMark(f.source.guarded.head())
	if err != nil {
		t.Fatal(err)
	}
	v, err := requestlog.Verify(b.Path("audit.jsonl"), mark)
	if err != nil || v.Denied != 1 || v.Allowed < 5 {
		t.Errorf("%+v %v", v, err)
	}
	text, err := os.ReadFile(b.Path("audit.jsonl"))
	if err != nil || !strings.Contains(string(text), `"caller":"nightly","run":"R1"`) ||
		strings.Contains(string(text), token) || !strings.Contains(string(text), `"path":"/api/catalog/locations"`) {
		t.Errorf("%s %v", text, err)
	}
}

// TestLayersOfABrokerHaveErrorsOfTheirOwn: each fault on the way is named, and only those that may pass
// are tried again.
func TestLayersOfABrokerHaveErrorsOfTheirOwn(t *testing.T) {
	s := start(t, sandbox.Options{Entities: sandbox.Company()})
	b := newBroker(t, s.URL())
	once := func(c *Config) { c.Retries.Attempts = 1 }
	read := func(name string, class fault.Class, want string, adjust ...func(*Config)) {
		t.Helper()
		f := b.source(t, append([]func(*Config){once}, adjust...)...)
		defer f.source.Close()
		_, err := f.source.Get(t.Context(), "component:default/none")
		if fault.ClassOf(err) != class || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v %v", name, fault.ClassOf(err), err)
		}
	}
	read("no hub", fault.Transient, "the hub cannot be reached")
	endHub := b.runHub(t)
	defer endHub()
	read("no agent", fault.Fatal, "no agent: acme has not been connected", func(c *Config) {
		c.Via.Wait = config.Duration(time.Millisecond)
	})
	endAgent := b.runAgent(t)
	defer endAgent()
	if _, err := b.source(t).readAll(t); err != nil {
		t.Fatal(err)
	}
	read("a wrong key", fault.Fatal, "WRONG AGENT KEY", func(c *Config) {
		c.Via.AgentKey = "sha256:" + strings.Repeat("00", 32)
	})
	read("a wrong token", fault.Fatal, "the hub does not accept the token", func(c *Config) {
		c.Via.Token = config.NewSecret("x")
	})
	read("no such agent", fault.Fatal, "the hub does not accept the token", func(c *Config) { c.Via.Agent = "other" })
	read("no such target", fault.Fatal, "has no such target", func(c *Config) { c.URL = "https://other" })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	read("no target", fault.Transient, "cannot reach the target")
}

// TestBrokerEndsAndComesBackDuringARead: a read that loses its hub and its agent is complete.
func TestBrokerEndsAndComesBackDuringARead(t *testing.T) {
	s := start(t, sandbox.Options{Entities: components(400)}, only("Component"))
	b := newBroker(t, s.URL())
	endHub, endAgent := b.runHub(t), b.runAgent(t)
	f := b.source(t, only("Component"), func(c *Config) { c.PageSize = 10 })
	emitted := 0
	c := &crop{records: map[string]*component.Record{}}
	for _, p := range f.cfg.phases() {
		if err := f.source.Read(t.Context(), p, func(ctx context.Context, records []*component.Record) error {
			emitted += len(records)
			switch {
			case emitted == 100:
				endAgent()
				endAgent = b.runAgent(t)
			case emitted == 200:
				endHub()
				endHub = b.runHub(t)
			}
			return c.emit(ctx, records)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.records) != 400 || len(c.twice) > 0 {
		t.Errorf("%d records, %d twice", len(c.records), len(c.twice))
	}
	f.source.Close()
	endAgent()
	endHub()
	if _, err := requestlog.Verify(b.Path("audit.jsonl"), requestlog.Mark{}); err != nil {
		t.Error(err)
	}
}

// TestSitesThatAllowDenies: rules that lack the documentation end the run, and no site counts as unread.
func TestSitesThatAllowDenies(t *testing.T) {
	f := start(t, sandbox.Options{Entities: [][]byte{documented("a", techDocsRef, "dir:.")},
		Sites: siteFiles("default/component/a", "one", "x/")}, only("Component"), withDocs,
		func(c *Config) { c.Allow = policy.Rules{{Preset: "backstage-catalog"}} })
	var phase component.Phase
	ignore := func(context.Context, []*component.Record) error { return nil }
	for _, ph := range f.cfg.phases() {
		if phase = ph; !ph.Attached {
			if err := f.source.Read(t.Context(), ph, ignore); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := f.source.ReadHost(t.Context(), phase, "component:default/a", component.AttachedMark{}, nil)
	if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "source.backstage.allow denies it") {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestAllowAndAuditWithoutABroker: allow and audit apply when pipe itself is in the network.
func TestAllowAndAuditWithoutABroker(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit.jsonl")
	guarded := func(c *Config) {
		c.Allow = policy.Rules{{Preset: "backstage-catalog"}}
		c.Audit = &requestlog.Config{File: log, MaxSize: 1 << 30, Keep: 2}
	}
	f := start(t, sandbox.Options{Entities: sandbox.Company()}, guarded)
	if _, err := f.readAll(t); err != nil {
		t.Fatal(err)
	}
	sent := len(f.asked())
	_, err := f.source.conn.Do(t.Context(), connection.Request{Method: "GET", Path: staticDocs + "a/b/c/d",
		NoRetry: true})
	if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "source.backstage.allow denies it") {
		t.Errorf("%v", err)
	}
	if len(f.asked()) != sent {
		t.Error("a denied request was sent")
	}
	mark, err := requestlog.ParseMark(f.source.guarded.head())
	if err != nil {
		t.Fatal(err)
	}
	if v, err := requestlog.Verify(log, mark); err != nil || v.Allowed != sent || v.Denied != 1 {
		t.Errorf("%+v %v, %d requests were sent", v, err, sent)
	}
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	for err = nil; err == nil && t.Context().Err() == nil; {
		_, err = f.source.Get(t.Context(), "component:default/none") // the log notices within a second
	}
	if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "audit log cannot be written") {
		t.Errorf("%v", err)
	}
	_ = f.source.Close() // its log is gone
}
