package agent

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an agent, its target, and the server that it takes for its hub.
type world struct {
	folder, token string
	log           string
	target        *httptest.Server
	sessions      chan net.Conn // each connection of the agent, as the hub has it
	pin           string
	agent         *Agent

	stop   func()
	refuse atomic.Int32 // the status with which the hub refuses the agent

	mu    sync.Mutex
	asked []*http.Request
}

// start runs an agent whose hub is under the control of the test.
func start(t *testing.T, target http.HandlerFunc, adjust ...func(*Agent)) *world {
	t.Helper()
	w := &world{folder: t.TempDir(), token: tunnel.NewToken(), sessions: make(chan net.Conn, 10)}
	w.log = filepath.Join(w.folder, "audit.jsonl")
	w.target = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r)
		w.mu.Unlock()
		target(rw, r)
	}))
	ended := make(chan struct{})
	hub := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if status := w.refuse.Load(); status != 0 {
			rw.WriteHeader(int(status))
			return
		}
		if c, err := tunnel.Accept(rw, r); err == nil {
			w.sessions <- c
			<-ended
			_ = c.Close()
		}
	}))
	w.write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hub.Certificate().Raw})))
	if err := tunnel.NewKey(w.folder + "/agent.key"); err != nil {
		t.Fatal(err)
	}
	file := w.write(t, "agent.yaml", fmt.Sprintf(`version: 1
name: acme
key_file: %[1]s/agent.key
hub: {url: %[2]q, token: "${T}", tls: {ca_file: %[1]s/ca.pem}, proxy: none}
callers: [{name: nightly, token_sha256: %[3]s}]
targets:
  portal:
    url: %[4]s/base
    token: ${S}
    proxy: none
    max_response: 100KiB
    timeout: 5s
    allow:
      - {method: GET, path: /items/*, query: [filter]}
      - {method: POST, path: /find, max_body: 10B}
      - {method: HEAD, path: /items/*}
audit: {file: %[1]s/audit.jsonl}
concurrent: 32
`, w.folder, hub.URL, tunnel.Hash(tunnel.ForAgent(w.token)), w.target.URL))
	lookup := func(name string) (string, bool) {
		return map[string]string{"T": "of-agent", "S": "of-target"}[name], true
	}
	a, err := Open(file, Options{Lookup: lookup, Version: "v1.0.0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w.pin, w.agent = a.Pin(), a
	for _, one := range adjust {
		one(a)
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- a.Run(stop) }()
	w.stop = sync.OnceFunc(func() {
		close(stop)
		if err := <-done; err != nil && !strings.Contains(err.Error(), "moved or removed") {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		w.stop()
		a.Close()
		close(ended)
		hub.Close()
		w.target.Close()
	})
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

func (w *world) requests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked)
}

// stream opens a stream to the agent and speaks TLS with its key.
func (w *world) stream(t *testing.T, s *tunnel.Session) *tls.Conn {
	t.Helper()
	c, err := s.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	secure := tls.Client(c, tunnel.ClientTLS(w.pin, "acme"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		t.Fatal(err)
	}
	return secure
}

func (w *world) session(t *testing.T) *tunnel.Session {
	t.Helper()
	select {
	case c := <-w.sessions:
		s, err := tunnel.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	case <-time.After(20 * time.Second):
		t.Fatal("the agent does not connect")
		return nil
	}
}

// raw sends the text of a request and returns the answer.
func (w *world) raw(t *testing.T, s *tunnel.Session, text string) (*http.Response, string) {
	t.Helper()
	c := w.stream(t, s)
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp, err.Error()
	}
	return resp, string(body)
}

func (w *world) get(target string, headers ...string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: portal\r\n%s: %s\r\n%s\r\n", target, tunnel.HeaderCaller,
		tunnel.ForAgent(w.token), strings.Join(append(headers, ""), "\r\n"))
}

// TestOnlyAllowedRequestsReachTheTarget: whatever a hub sends, the target gets the allowed requests,
// with the agent's credential and without foreign headers.
func TestOnlyAllowedRequestsReachTheTarget(t *testing.T) {
	w := start(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Set-Cookie", "a=b")
		rw.Header().Set("Server", "internal")
		rw.Header().Set(tunnel.HeaderError, "denied")
		rw.Header().Set("Location", "https://elsewhere.example/")
		io.WriteString(rw, "text")
	})
	s := w.session(t)
	resp, body := w.raw(t, s, w.get("/items/a?filter=x", "Authorization: Bearer other", "Cookie: a=b",
		"X-Forwarded-For: 1.2.3.4", "X-Original-URL: /admin", "X-HTTP-Method-Override: DELETE"))
	if resp == nil || resp.StatusCode != 200 || body != "text" || resp.Header.Get(tunnel.HeaderAudit) == "" {
		t.Fatalf("%v %s", resp, body)
	}
	for _, name := range []string{"Set-Cookie", "Server", "Location", tunnel.HeaderError} {
		if resp.Header.Get(name) != "" {
			t.Errorf("the answer has %s", name)
		}
	}
	sent := w.asked[0]
	if sent.RequestURI != "/base/items/a?filter=x" || sent.Header.Get("Authorization") != "Bearer of-target" ||
		len(sent.Header) != 2 { // with User-Agent
		t.Errorf("%s %v", sent.RequestURI, sent.Header)
	}
	post := func(body string) string {
		return strings.Replace(strings.Replace(w.get("/find", fmt.Sprintf("Content-Length: %d", len(body))), "GET",
			"POST", 1),
			"\r\n\r\n", "\r\n\r\n"+body, 1)
	}
	if resp, body := w.raw(t, s, post("0123456789")); resp == nil || resp.StatusCode != 200 {
		t.Errorf("%v %s", resp, body)
	}
	allowed := w.requests()
	for name, text := range map[string]string{
		"another path": w.get("/admin"), "dot segments": w.get("/items/../admin"), "encoded": w.get("/items/%2e%2e"),
		"another key": w.get("/items/a?x=y"), "an absolute address": w.get("http://169.254.169.254/items/a"),
		"another method": strings.Replace(w.get("/items/a"), "GET", "DELETE", 1), "a large body": post("0123456789a"),
		"a body of unknown size": strings.Replace(w.get("/find", "Transfer-Encoding: chunked"), "GET", "POST", 1) +
			"b\r\n0123456789a\r\n0\r\n\r\n",
		"CONNECT":        strings.Replace(w.get("portal:443"), "GET", "CONNECT", 1),
		"another target": strings.Replace(w.get("/items/a"), "Host: portal", "Host: other", 1),
		"two hosts":      strings.Replace(w.get("/items/a"), "Host: portal", "Host: portal\r\nHost: other", 1),
		"no token":       strings.Replace(w.get("/items/a"), tunnel.ForAgent(w.token), "", 1),
		"the hub's token": strings.Replace(w.get("/items/a"), tunnel.ForAgent(w.token),
			tunnel.ForHub(w.token), 1),
		"the hash": strings.Replace(w.get("/items/a"), tunnel.ForAgent(w.token),
			tunnel.Hash(tunnel.ForAgent(w.token)), 1),
		"huge headers": w.get("/items/a", "X: "+strings.Repeat("x", 100<<10)),
		"two lengths":  w.get("/items/a", "Content-Length: 1", "Content-Length: 2"),
		"not HTTP":     "\x00\x01\x02\r\n\r\n",
	} {
		if resp, body := w.raw(t, s, text); resp != nil && resp.StatusCode < 400 {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	if n := w.requests(); n != allowed {
		t.Errorf("%d refused requests reached the target", n-allowed)
	}
	v, err := requestlog.Verify(w.log, requestlog.Mark{})
	if err != nil || v.Allowed != allowed || v.Denied < 10 {
		t.Errorf("%+v %v", v, err)
	}
}

// TestHostileHub: garbage, floods of streams and plain text do not reach the target, and the agent
// connects again and answers.
func TestHostileHub(t *testing.T) {
	w := start(t, func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "text") })
	first := <-w.sessions
	first.Write(bytes.Repeat([]byte{0xff, 0x00, 0x17}, 10_000)) // no frames of a session
	_ = first.Close()

	s := w.session(t)
	for range 200 { // more than the agent accepts at once
		c, err := s.OpenStream()
		if err != nil {
			break
		}
		io.WriteString(c, "GET /items/a HTTP/1.1\r\nHost: portal\r\n\r\n") // without TLS
		defer c.Close()
	}
	_ = s.Close()

	s = w.session(t)
	if resp, body := w.raw(t, s, w.get("/items/a")); resp == nil || resp.StatusCode != 200 {
		t.Errorf("%v %s", resp, body)
	}
	if w.requests() != 1 {
		t.Errorf("%d requests", w.requests())
	}
}

// TestStreamThatIsNotReadBlocksNoOther: a pipeline that does not read its answer leaves others alone.
func TestStreamThatIsNotReadBlocksNoOther(t *testing.T) {
	large := strings.Repeat("x", 90<<10)
	w := start(t, func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, large) })
	s := w.session(t)
	slow := w.stream(t, s)
	defer slow.Close()
	for range 20 { // more than the window of a stream
		if _, err := io.WriteString(slow, w.get("/items/a")); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		if resp, body := w.raw(t, s, w.get("/items/b")); resp == nil || len(body) != len(large) {
			t.Fatalf("%v", resp)
		}
	}
}

// TestTooLargeAnswerIsIncomplete: an answer beyond the limit does not look like a whole one.
func TestTooLargeAnswerIsIncomplete(t *testing.T) {
	w := start(t, func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, strings.Repeat("x", 200<<10)) })
	if _, text := w.raw(t, w.session(t), w.get("/items/a")); !strings.Contains(text, "EOF") {
		t.Errorf("%.80s", text)
	}
	w.stop()
	if v, err := requestlog.Verify(w.log, requestlog.Mark{}); err != nil || v.Unfinished != 0 || v.Allowed != 1 {
		t.Errorf("the log has no end of the request: %+v, %v", v, err)
	}
}

// TestHead: the answer to HEAD has a length and no body, and is whole.
func TestHead(t *testing.T) {
	w := start(t, func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("Content-Length", "5") })
	request := strings.Replace(w.get("/items/a"), "GET", "HEAD", 1)
	resp, text := w.raw(t, w.session(t), request)
	if resp == nil || resp.StatusCode != 200 || resp.ContentLength != 5 {
		t.Errorf("%v %s", resp, text)
	}
	w.stop()
	if v, err := requestlog.Verify(w.log, requestlog.Mark{}); err != nil || v.Unfinished != 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestPauseCutsAndResumeConnects(t *testing.T) {
	w := start(t, func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "text") })
	s := w.session(t)
	if resp, _ := w.raw(t, s, w.get("/items/a")); resp == nil || resp.StatusCode != 200 {
		t.Fatalf("%v", resp)
	}
	if err := os.WriteFile(PauseFile(w.log), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.CloseChan():
	case <-time.After(10 * time.Second):
		t.Fatal("the session is not cut")
	}
	if err := os.Remove(PauseFile(w.log)); err != nil {
		t.Fatal(err)
	}
	if resp, _ := w.raw(t, w.session(t), w.get("/items/a")); resp == nil || resp.StatusCode != 200 {
		t.Errorf("%v", resp)
	}
}

// TestUnwritableAuditRefuses: no request is sent without its line.
func TestUnwritableAuditRefuses(t *testing.T) {
	var log text
	w := start(t, func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "text") },
		func(a *Agent) { a.o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	s := w.session(t)
	if err := os.Rename(w.log, w.log+".away"); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		before := w.requests()
		resp, _ := w.raw(t, s, w.get("/items/a"))
		if resp != nil && resp.StatusCode == http.StatusServiceUnavailable {
			if w.requests() != before || resp.Header.Get(tunnel.HeaderError) != tunnel.AuditUnwritable {
				t.Errorf("%v", resp)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("requests are sent without an audit log")
		}
	}
	eventually(t, "the log of the agent does not say so", func() bool {
		return strings.Contains(log.String(), "audit log cannot be written: all requests are refused")
	})
}

// TestPausedRefusesAtOnce: a request that comes before the session is cut is refused, too.
func TestPausedRefusesAtOnce(t *testing.T) {
	log, err := requestlog.Open(requestlog.Config{File: t.TempDir() + "/audit.jsonl", MaxSize: 1 << 20, Keep: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	token := tunnel.NewToken()
	now := &state{file: &File{Callers: []Caller{{"nightly", tunnel.Hash(tunnel.ForAgent(token))}}}}
	h := &handler{log: log, paused: func() bool { return true }, state: func() *state { return now }, flights: &flights{}}
	r := httptest.NewRequest("GET", "/items/a", nil)
	r.Header.Set(tunnel.HeaderCaller, tunnel.ForAgent(token))
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get(tunnel.HeaderError) != tunnel.Paused {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
}

// TestTargetTimeout: a target that does not answer is told apart from one that cannot be reached.
func TestTargetTimeout(t *testing.T) {
	ended := make(chan struct{})
	w := start(t, func(rw http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	})
	defer close(ended)
	s := w.session(t)
	w.write(t, "agent.yaml", strings.Replace(w.text(t), "timeout: 5s", "timeout: 100ms", 1))
	w.agent.Reload()
	eventually(t, "the file was not read", func() bool {
		portal, _ := w.agent.state().file.Targets.Get("portal")
		return time.Duration(portal.Timeout) == 100*time.Millisecond
	})
	if status, code := w.answers(t, s, "/items/a"); status != http.StatusGatewayTimeout || code != tunnel.TargetTimeout {
		t.Errorf("%d %s", status, code)
	}
	w.target.CloseClientConnections()
	w.target.Listener.Close()
	if status, code := w.answers(t, s, "/items/a"); status != http.StatusBadGateway || code != tunnel.Unreachable {
		t.Errorf("%d %s", status, code)
	}
}
