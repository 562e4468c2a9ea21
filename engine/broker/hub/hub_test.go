package hub

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a hub with an authority for the certificates of agents.
type world struct {
	folder, file, text string
	address            string
	hub                *Hub
	ca                 *x509.Certificate
	caKey              *ecdsa.PrivateKey
	serial             int64
	log                logged
	stop               func() // and wait
}

func start(t *testing.T, agents string, adjust ...func(*Hub)) *world {
	t.Helper()
	w := &world{folder: t.TempDir()}
	w.ca, w.caKey = w.issue(t, "ca", nil)
	w.issue(t, "hub", w.ca)
	w.text = fmt.Sprintf(`version: 1
listen: 127.0.0.1:0
status: 127.0.0.1:0
min_version: v1.2.0
tls: {cert_file: %[1]s/hub.pem, key_file: %[1]s/hub.key, client_ca_file: %[1]s/ca.pem}
agents:
`, w.folder)
	w.file = w.write(t, "hub.yaml", w.text+agents)
	var err error
	if w.hub, err = Listen(w.file, nil, slog.New(slog.NewTextHandler(&w.log, nil))); err != nil {
		t.Fatal(err)
	}
	for _, a := range adjust {
		a(w.hub)
	}
	w.address = "https://" + w.hub.Addr().String()
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- w.hub.Run(stop) }()
	w.stop = sync.OnceFunc(func() {
		close(stop)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.stop)
	return w
}

func (w *world) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// issue writes a certificate and its key; without an issuer it is an authority.
func (w *world) issue(t *testing.T, name string, by *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.serial++
	c := &x509.Certificate{SerialNumber: big.NewInt(w.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	signer, parent := w.caKey, by
	switch {
	case by == nil:
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		signer, parent = key, c
	case name == "hub":
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	w.write(t, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return leaf, key
}

// dial connects with a certificate, "" for none, and headers.
func (w *world) dial(t *testing.T, path, certificate string, headers ...string) (net.Conn, error) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(w.ca)
	c := &tls.Config{RootCAs: pool}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(w.folder+"/"+certificate+".pem", w.folder+"/"+certificate+".key")
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	tr := &http.Transport{TLSClientConfig: c}
	defer tr.CloseIdleConnections()
	conn, err := tunnel.Dial(t.Context(), tr, w.address+path, h)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, err
}

// agent connects an agent that echoes what it gets.
func (w *world) agent(t *testing.T, certificate string, headers ...string) (*tunnel.Session, error) {
	t.Helper()
	before := w.sessions()
	c, err := w.dial(t, tunnel.AgentPath, certificate,
		append([]string{tunnel.HeaderName, "acme", tunnel.HeaderVersion, "v1.2.0"}, headers...)...)
	if err != nil {
		return nil, err
	}
	s, err := tunnel.Serve(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for w.sessions() == before { // the hub has it a moment after it has answered
		if _, err := s.Ping(); err != nil {
			return nil, err
		}
	}
	go func() {
		for {
			one, err := s.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(one, one); _ = one.Close() }()
		}
	}()
	return s, nil
}

// sessions is how many the hub has of the agent.
func (w *world) sessions() int {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	return len(w.hub.sessions["acme"])
}

func codeOf(err error) string {
	var refused *tunnel.RefusedError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return fmt.Sprint(err)
}

// echo opens a stream with a token and sends a text through it.
func (w *world) echo(t *testing.T, token string) (net.Conn, error) {
	t.Helper()
	c, err := w.dial(t, tunnel.StreamPath+"acme", "", "Authorization", "Bearer "+token)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, "text"); err != nil {
		return nil, err
	}
	got := make([]byte, 4)
	_, err = io.ReadFull(c, got)
	if err == nil && string(got) != "text" {
		err = fmt.Errorf("%q", got)
	}
	return c, err
}

// acme is an agent in the file, with a pipeline.
func acme(extra string) string {
	return fmt.Sprintf("  acme:\n    certificate: acme\n    ha: 2\n    callers:\n"+
		"      - {name: nightly, token_sha256: %s%s}\n",
		tunnel.Hash("good"), extra)
}

func TestIdentities(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	w.issue(t, "other", w.ca)
	if _, err := w.echo(t, "good"); codeOf(err) != tunnel.NoAgent {
		t.Errorf("without an agent: %v", err)
	}
	for name, c := range map[string]struct {
		certificate string
		headers     []string
		want        string
	}{
		"no certificate":      {"", nil, tunnel.Unauthorized},
		"a token instead":     {"", []string{"Authorization", "Bearer good"}, tunnel.Unauthorized},
		"another certificate": {"other", nil, tunnel.Unauthorized},
		"another name":        {"acme", []string{tunnel.HeaderName, "none"}, tunnel.Unauthorized},
		"an old version":      {"acme", []string{tunnel.HeaderVersion, "v1.1.9"}, tunnel.OldVersion},
		"no version":          {"acme", []string{tunnel.HeaderVersion, ""}, tunnel.OldVersion},
		"a wrong version":     {"acme", []string{tunnel.HeaderVersion, "99"}, tunnel.OldVersion},
	} {
		if _, err := w.agent(t, c.certificate, c.headers...); codeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.agent(t, "acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.echo(t, "good"); err != nil {
		t.Error(err)
	}
	for _, token := range []string{"", "bad", tunnel.Hash("good")} {
		if _, err := w.echo(t, token); codeOf(err) != tunnel.Unauthorized {
			t.Errorf("%q: %v", token, err)
		}
	}
	resp, err := http.Get("http://" + w.hub.status.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if !strings.Contains(string(text), `pipe_hub_agent_sessions{agent="acme"} 1`) {
		t.Errorf("%s", text)
	}
}

// TestSecondSession: a further session needs the same certificate, and there are no more than ha.
func TestSecondSession(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	first, err := w.agent(t, "acme")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.folder+"/acme.pem", w.folder+"/same.pem"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.folder+"/acme.key", w.folder+"/same.key"); err != nil {
		t.Fatal(err)
	}
	w.issue(t, "acme", w.ca) // the same name, another certificate
	if _, err := w.agent(t, "acme"); codeOf(err) != tunnel.OtherIdentity || w.hub.alarms.Load() != 1 {
		t.Errorf("another certificate: %v, %d alarms", err, w.hub.alarms.Load())
	}
	if _, err := w.agent(t, "same"); err != nil {
		t.Errorf("the same certificate: %v", err)
	}
	if _, err := w.agent(t, "same"); codeOf(err) != tunnel.AlreadyRunning {
		t.Errorf("a third session: %v", err)
	}
	_ = first.Close() // the other session goes on
	for range 20 {
		if _, err := w.echo(t, "good"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRevoked: what the file does not name any more is cut.
func TestRevoked(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	s, err := w.agent(t, "acme")
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.echo(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "hub.yaml", w.text+strings.Replace(acme(""), tunnel.Hash("good"), tunnel.Hash("new"), 1))
	if !closed(t, c) {
		t.Error("the stream of a revoked pipeline is open")
	}
	if _, err := w.echo(t, "good"); codeOf(err) != tunnel.Unauthorized {
		t.Errorf("%v", err)
	}
	if _, err := w.echo(t, "new"); err != nil {
		t.Error(err)
	}
	w.write(t, "hub.yaml", w.text+strings.Replace(acme(""), "  acme:", "  other:", 1))
	select {
	case <-s.CloseChan():
	case <-time.After(10 * time.Second):
		t.Error("the session of a revoked agent is open")
	}
}

func TestLimits(t *testing.T) {
	w := start(t, acme(", concurrent: 2, bytes_per_hour: 2KiB, from: [127.0.0.0/8]"))
	w.issue(t, "acme", w.ca)
	if _, err := w.agent(t, "acme"); err != nil {
		t.Fatal(err)
	}
	one, err := w.echo(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.echo(t, "good"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.echo(t, "good"); codeOf(err) != tunnel.TooMany {
		t.Errorf("a third stream: %v", err)
	}
	io.WriteString(one, strings.Repeat("x", 4<<10))
	if n, err := io.Copy(io.Discard, one); n >= 4<<10 {
		t.Errorf("%d bytes beyond the limit, %v", n, err)
	}
	if _, err := w.echo(t, "good"); codeOf(err) != tunnel.TooMany {
		t.Errorf("after the bytes: %v", err)
	}
	other := start(t, acme(", from: [10.0.0.0/8]"))
	if _, err := other.echo(t, "good"); codeOf(err) != tunnel.NotFromHere {
		t.Errorf("%v", err)
	}
}
