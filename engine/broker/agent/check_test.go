package agent

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/hub"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/component"
)

// text is a log.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *text) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *text) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// authority issues certificates as files of a folder.
type authority struct {
	folder string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, folder, name string) *authority {
	a := &authority{folder: folder}
	a.cert, a.key = a.issue(t, name, time.Hour)
	return a
}

func (a *authority) issue(t *testing.T, name string, valid time.Duration) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(valid),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	parent, signer := a.cert, a.key
	if parent == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for ending, b := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der},
		".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(a.folder, name+ending), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return leaf, key
}

// network is a hub and the folder of an agent's files.
type network struct {
	*authority
	address string
	log     text // of the hub
	end     func()
}

func newNetwork(t *testing.T, agent string) *network {
	t.Helper()
	n := &network{authority: newAuthority(t, t.TempDir(), "ca")}
	n.issue(t, "hub", time.Hour)
	file := filepath.Join(n.folder, "hub.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "version: 1\nlisten: 127.0.0.1:0\n"+
		"tls: {cert_file: hub.pem, key_file: hub.key, client_ca_file: ca.pem}\nagents:\n  acme: {%s}\n", agent),
		0o600); err != nil {
		t.Fatal(err)
	}
	h, err := hub.Listen(file, nil, slog.New(slog.NewTextHandler(&n.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	n.address = h.Addr().String()
	n.end = running(t, h.Run)
	return n
}

func running(t *testing.T, run func(<-chan struct{}) error) (end func()) {
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- run(stop) }()
	end = sync.OnceFunc(func() {
		close(stop)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return end
}

// open opens an agent with a file of its own.
func (n *network) open(t *testing.T, name, identity, targets string, log *text) *Agent {
	t.Helper()
	key := filepath.Join(n.folder, name+"-agent.key")
	if err := tunnel.NewKey(key); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(n.folder, name+".yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "version: 1\nname: acme\nkey_file: %s\nhub: {url: 'https://%s', %s}\n"+
		"targets:%s\naudit: {file: %s-audit.jsonl}\n", key, n.address, identity, targets, name), 0o600); err != nil {
		t.Fatal(err)
	}
	lookup := func(name string) (string, bool) { return "of-" + name, true }
	a, err := Open(file, Options{Lookup: lookup, Version: "v1.0.0", Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func last(found []component.Finding) component.Finding {
	for _, f := range found {
		if !f.OK && !f.Skipped {
			return f
		}
	}
	return found[len(found)-1]
}

const byCertificate = "tls: {ca_file: ca.pem, cert_file: %[1]s.pem, key_file: %[1]s.key}, proxy: none"

// TestCheckOfIdentities: what the hub thinks of a certificate.
func TestCheckOfIdentities(t *testing.T) {
	n := newNetwork(t, "certificate: acme")
	n.issue(t, "acme", time.Hour)
	n.issue(t, "other", time.Hour)
	n.issue(t, "expired", -time.Hour)
	foreign := newAuthority(t, t.TempDir(), "foreign")
	for name, want := range map[string]string{"acme": "accepts acme; the agent is not connected",
		"other": "the hub does not accept agent acme (401)", "expired": "expired"} {
		a := n.open(t, name, fmt.Sprintf(byCertificate, name), " {}", &text{})
		if f := last(a.Check(t.Context())["hub"]); !strings.Contains(f.Detail, want) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	foreign.issue(t, "acme", time.Hour)
	a := n.open(t, "foreign", fmt.Sprintf(byCertificate, foreign.folder+"/acme"), " {}", &text{})
	if f := last(a.Check(t.Context())["hub"]); f.OK || !strings.Contains(f.Detail, "client certificate") {
		t.Errorf("foreign: %+v", f)
	}
	a = n.open(t, "none", "tls: {ca_file: ca.pem}, token: '${T}', proxy: none", " {}", &text{})
	if f := last(a.Check(t.Context())["hub"]); !strings.Contains(f.Detail, "401") {
		t.Errorf("none: %+v", f)
	}
}

// TestSecondSessionAlarmsBothSides: an agent with another certificate is refused, and the log of the hub,
// those of both agents, and the check of the connected one have an alarm.
func TestSecondSessionAlarmsBothSides(t *testing.T) {
	n := newNetwork(t, "certificate: acme")
	n.issue(t, "acme", time.Hour)
	var first, second text
	a := n.open(t, "first", fmt.Sprintf(byCertificate, "acme"), " {}", &first)
	a.every = 50 * time.Millisecond
	endFirst := running(t, a.Run)
	eventually(t, "not connected", func() bool { return strings.Contains(first.String(), "the hub is connected") })
	for _, ending := range []string{".pem", ".key"} {
		if err := os.Rename(n.folder+"/acme"+ending, n.folder+"/before"+ending); err != nil {
			t.Fatal(err)
		}
	}
	n.issue(t, "acme", time.Hour)
	b := n.open(t, "second", fmt.Sprintf(byCertificate, "acme"), " {}", &second)
	endSecond := running(t, b.Run)
	for name, log := range map[string]*text{"hub": &n.log, "connected": &first, "refused": &second} {
		eventually(t, name+" has no alarm", func() bool { return strings.Contains(log.String(), "ALARM") })
	}
	if f := last(b.Check(t.Context())["hub"]); !f.Warning || !strings.Contains(f.Detail, "ALARM") ||
		!strings.Contains(f.Detail, "127.0.0.1") {
		t.Errorf("%+v", f)
	}
	if strings.Contains(second.String(), "the hub is connected") {
		t.Error("the other certificate is connected")
	}
	endSecond()
	endFirst()
	for _, name := range []string{"first", "second"} {
		if log, err := os.ReadFile(n.folder + "/" + name + "-audit.jsonl"); err != nil ||
			!strings.Contains(string(log), "another session of this agent") {
			t.Errorf("the audit log of %s has no alarm: %s %v", name, log, err)
		}
	}
}

// proxy is a CONNECT proxy that wants a password, "" for none. It notes what it was asked.
func proxy(t *testing.T, authorization string, seen *text) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(seen, "%s %s %s\n", r.Method, r.RequestURI, r.Header.Get("Proxy-Authorization"))
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != authorization {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		far, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		near, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
		both.Go(func() { _, _ = io.Copy(near, far); _ = near.Close() })
		both.Wait()
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestAgentThroughAProxy: the agent reaches the hub through CONNECT, with and without a password, and its
// token is in a header alone.
func TestAgentThroughAProxy(t *testing.T) {
	for name, c := range map[string]struct{ authorization, settings, want string }{
		"open":           {"", "", "the hub is connected"},
		"password":       {"Basic dXNlcjpvZi1Q", ", username: user, password: '${P}'", "the hub is connected"},
		"wrong password": {"Basic dXNlcjpvZi1Q", ", username: user, password: '${X}'", "the proxy does not accept"},
	} {
		n := newNetwork(t, "token_sha256: "+tunnel.Hash("of-T"))
		var log, seen text
		a := n.open(t, "agent", "tls: {ca_file: ca.pem}, token: '${T}', proxy: {url: '"+proxy(t, c.authorization, &seen)+
			"'"+c.settings+"}", " {}", &log)
		end := running(t, a.Run)
		eventually(t, name+": "+c.want, func() bool { return strings.Contains(log.String(), c.want) })
		f := last(a.Check(t.Context())["hub"])
		if f.OK != (name != "wrong password") {
			t.Errorf("%s: %+v", name, f)
		}
		end()
		for _, line := range strings.Split(strings.TrimSpace(seen.String()), "\n") {
			if !strings.HasPrefix(line, "CONNECT "+n.address) || strings.Contains(line, "of-T") {
				t.Errorf("%s: the proxy saw %s", name, line)
			}
		}
		if strings.Contains(log.String()+n.log.String(), "of-") {
			t.Errorf("%s: a log has a secret", name)
		}
	}
}

// TestCheckOfTargets: each fault of a target has words of its own.
func TestCheckOfTargets(t *testing.T) {
	status := func(code int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().String()
	l.Close()
	for name, c := range map[string]struct{ url, want string }{
		"good": {status(200), "GET /a: 200"}, "unauthorized": {status(401), "does not accept the credentials"},
		"denied": {status(403), "denies the request"}, "absent": {status(404), "GET /a: 404"},
		"name": {"http://nowhere.invalid", "nowhere.invalid"}, "refused": {"http://" + free, "refused"},
		"tls": {secure.URL, "certificate"},
	} {
		n := newNetwork(t, "certificate: acme")
		n.issue(t, "acme", time.Hour)
		a := n.open(t, "agent", fmt.Sprintf(byCertificate, "acme"), "\n  t: {url: '"+c.url+"', token: '${T}', proxy: none, "+
			"insecure_http: true, allow: [{method: GET, path: /b/*}, {method: GET, path: /a}]}", &text{})
		f := last(a.Check(t.Context())["t"])
		if f.OK != (name == "good") || !strings.Contains(f.Detail, c.want) || !f.OK && f.Remedy == "" {
			t.Errorf("%s: %+v", name, f)
		}
		n.end()
	}
}

// TestReplacedTokenIsUsed: an agent that the hub refused connects with a token that was replaced, at once.
func TestReplacedTokenIsUsed(t *testing.T) {
	n := newNetwork(t, "token_sha256: "+tunnel.Hash("new"))
	write := func(token string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(n.folder, "token"), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	var log text
	a := n.open(t, "agent", "tls: {ca_file: ca.pem}, token: '${file:token}', proxy: none", " {}", &log)
	defer running(t, a.Run)()
	eventually(t, "not refused", func() bool { return strings.Contains(log.String(), "does not accept agent acme (401)") })
	write("new")
	eventually(t, "the token is not used", func() bool { return strings.Contains(log.String(), "the hub is connected") })
}
