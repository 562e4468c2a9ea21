package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/serve/api"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

func signature(secret, body string) []string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(m.Sum(nil))}
}

// testWebhook: only a body that is signed with the secret asks for a run.
func testWebhook(t *testing.T, c *client) {
	const path, body = "/webhooks/handbook", `{"ref": "refs/heads/main"}`
	before := len(c.world.Runs())
	right := signature(hookSecret, body)
	c.call("", "webhook", path, body, 401)
	c.call("", "webhook", path, body, 401, "X-Hub-Signature-256", right[1][:40])
	c.call("", "webhook", path, body, 401, "X-Hub-Signature-256", strings.TrimPrefix(right[1], "sha256="))
	c.call("", "webhook", path, body, 401, "X-Hub-Signature-256", "sha256=")
	c.call("", "webhook", path, body, 401, signature("another secret of some length", body)...)
	c.call("", "webhook", path, body+" ", 401, right...)
	c.call("", "webhook", "/webhooks/x", body, 401)
	c.call("", "webhook", "/webhooks/x", body, 404, right...)
	c.call(c.token("hook", signin.View), "webhook", path, body, 401)
	c.call("", "webhook", path, strings.Repeat("x", 11<<20), 413, right...)
	c.call("", "webhook", path, body, 200, append([]string{"X-GitHub-Event", "ping"}, right...)...)
	if after := len(c.world.Runs()); after != before {
		t.Errorf("%d runs began", after-before)
	}
	asked := c.call("", "webhook", path, body, 202, right...)
	c.ended(asked)
	run, err := c.world.Server.History.Run(t.Context(), asked["run"].(string))
	if err != nil || run.Asked[0].How != "webhook" || run.Asked[0].Person {
		t.Errorf("who asked: %+v, %v", run, err)
	}
}

// counted is a body that notes how much was asked for.
type counted struct {
	io.Reader
	most, total int
	begun       chan struct{} // is closed when the first piece is asked for; may be nil
}

func (c *counted) Read(b []byte) (int, error) {
	if c.begun != nil {
		close(c.begun)
		c.begun = nil
	}
	n, err := c.Reader.Read(b)
	c.most, c.total = max(c.most, len(b)), c.total+n
	return n, err
}

// hook sends a webhook to the handler itself, from an address.
func (c *client) hook(from string, body io.Reader, headers ...string) int {
	r := httptest.NewRequestWithContext(c.t.Context(), "POST", api.Prefix+"/webhooks/handbook", body)
	r.RemoteAddr = from
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.server.Config.Handler.ServeHTTP(w, r)
	return w.Code
}

// TestWebhookMemory: a body is read in small pieces, and only when it can be signed.
func TestWebhookMemory(t *testing.T) {
	c := newClient(t, handbook)
	const size = 8 << 20
	large := func() *counted { return &counted{Reader: strings.NewReader(strings.Repeat("x", size))} }
	for _, header := range []string{"", "sha256=", "sha256=xy", "sha256=abcd", "sha1=" + strings.Repeat("ab", 32)} {
		body := large()
		if status := c.hook("192.0.2.1:1", body, signin.SignatureHeader, header); status != 401 || body.total != 0 {
			t.Errorf("%q: %d after %d bytes", header, status, body.total)
		}
	}
	body := large()
	status := c.hook("192.0.2.1:1", body, signin.SignatureHeader, "sha256="+strings.Repeat("ab", 32))
	if status != 401 || body.total != size || body.most > 64<<10 {
		t.Errorf("a wrong signature: %d after %d bytes in pieces of up to %d", status, body.total, body.most)
	}
}

// TestWebhooksAtOnce: only so many webhooks are read at once, and a sender has a part of them.
func TestWebhooksAtOnce(t *testing.T) {
	c := newClient(t, handbook)
	signed := signature(hookSecret, "{}")
	ends := make(chan int)
	begin := func(from string) io.Closer {
		r, w := io.Pipe()
		begun := make(chan struct{})
		go func() { ends <- c.hook(from, &counted{Reader: r, begun: begun}, signed...) }()
		<-begun
		return w
	}
	var slow []io.Closer
	for range 16 {
		slow = append(slow, begin("192.0.2.1:1"))
	}
	if status := c.hook("192.0.2.1:2", strings.NewReader("{}"), signed...); status != http.StatusTooManyRequests {
		t.Errorf("one more of a sender: %d", status)
	}
	if status := c.hook("192.0.2.2:1", strings.NewReader("{}"), signed...); status != http.StatusAccepted {
		t.Errorf("another sender: %d", status)
	}
	for i := range 112 {
		slow = append(slow, begin(fmt.Sprintf("10.0.0.%d:1", i/8)))
	}
	if status := c.hook("192.0.2.2:1", strings.NewReader("{}"), signed...); status != http.StatusTooManyRequests {
		t.Errorf("after 128: %d", status)
	}
	for _, one := range slow {
		one.Close()
	}
	for range slow {
		if status := <-ends; status != 401 { // an empty body
			t.Errorf("a slow one: %d", status)
		}
	}
	if status := c.hook("192.0.2.1:1", strings.NewReader("{}"), signed...); status != http.StatusAccepted {
		t.Errorf("after the slow ones: %d", status)
	}
}
