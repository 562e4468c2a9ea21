package backstage

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/agent"
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
type broker struct {
	folder, address, pin, token string
	agentFile, hubFile          string
}

func newBroker(t *testing.T, target string) *broker {
	t.Helper()
	b := &broker{folder: t.TempDir(), token: tunnel.NewToken()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.address = l.Addr().String()
	l.Close()
	b.certificate(t)
	key := filepath.Join(b.folder, "agent.key")
	if err := tunnel.NewKey(key); err != nil {
		t.Fatal(err)
	}
	if _, b.pin, err = tunnel.LoadKey(key); err != nil {
		t.Fatal(err)
	}
	own := tunnel.NewToken()
	b.hubFile = b.write(t, "hub.yaml", fmt.Sprintf(`version: 1
listen: %s
tls: {cert_file: %[2]s/hub.pem, key_file: %[2]s/hub.key}
agents:
  acme:
    token_sha256: %s
    callers:
      - {name: nightly, token_sha256: %s, per_second: 10000}
`, b.address, b.folder, tunnel.Hash(own), tunnel.Hash(tunnel.ForHub(b.token))))
	t.Setenv("AGENT_TOKEN", own)
	b.agentFile = b.write(t, "agent.yaml", fmt.Sprintf(`version: 1
name: acme
key_file: %[1]s/agent.key
hub:
  url: https://%[2]s
  token: ${AGENT_TOKEN}
  tls: {ca_file: %[1]s/hub.pem}
  proxy: none
callers:
  - {name: nightly, token_sha256: %[3]s}
targets:
  portal:
    url: %[4]s
    token: ${TARGET_TOKEN}
    allow:
      - preset: backstage-catalog
audit: {file: %[1]s/audit.jsonl}
`, b.folder, b.address, tunnel.Hash(tunnel.ForAgent(b.token)), target))
	t.Setenv("TARGET_TOKEN", token)
	return b
}

func (b *broker) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(b.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate writes that of the hub.
func (b *broker) certificate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hub"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "hub.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	b.write(t, "hub.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// runHub runs the hub until the function is called.
func (b *broker) runHub(t *testing.T) (end func()) {
	t.Helper()
	h, err := hub.Listen(b.hubFile, os.LookupEnv, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return runUntil(t, h.Run)
}

// runAgent runs the agent until the function is called.
func (b *broker) runAgent(t *testing.T) (end func()) {
	t.Helper()
	a, err := agent.Open(b.agentFile, agent.Options{Presets: Presets(), Lookup: os.LookupEnv, Version: "v1.0.0",
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
		Via: &via.Config{Hub: "https://" + b.address, Agent: "acme", AgentKey: b.pin, Token: config.NewSecret(b.token),
			Wait: config.Duration(20 * time.Second)}}}
	f.cfg.TLS.CAFile = b.folder + "/hub.pem"
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
	v, err := requestlog.Verify(b.folder+"/audit.jsonl", mark)
	if err != nil || v.Denied != 1 || v.Allowed < 5 {
		t.Errorf("%+v %v", v, err)
	}
	text, err := os.ReadFile(b.folder + "/audit.jsonl")
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
	if _, err := requestlog.Verify(b.folder+"/audit.jsonl", requestlog.Mark{}); err != nil {
		t.Error(err)
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
