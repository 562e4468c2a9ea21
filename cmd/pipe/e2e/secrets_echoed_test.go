package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// An echo answers a request with the request's content; false passes it on.
type echo func(w http.ResponseWriter, r *http.Request) bool

// brought is every credential of a request, each as it came, escaped, and in
// base64 with or without something around it, which may be escaped in its turn.
func brought(r *http.Request) []string {
	var out []string
	for _, name := range []string{"Authorization", "X-Proxy-Secret"} {
		v := r.Header.Get(name)
		token := strings.TrimPrefix(v, "Bearer ")
		out = append(out, v, token, url.QueryEscape(token), url.PathEscape(token), html.EscapeString(token),
			string(codec.Quote(nil, token)))
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding,
			base64.RawURLEncoding} {
			for _, whole := range []string{token, "x" + v, "user:" + token, token + ":"} {
				b := e.EncodeToString([]byte(whole))
				out = append(out, b, url.QueryEscape(b), strings.ReplaceAll(b, "/", `\/`))
			}
		}
	}
	return out
}

func text(r *http.Request) string { return strings.Join(brought(r), " ") }

func answerWith(status int, contentType string, body func(r *http.Request) string) echo {
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("X-Request-Id", text(r))
		w.WriteHeader(status)
		fmt.Fprint(w, body(r))
		return true
	}
}

func inJSON(r *http.Request) string {
	b, err := codec.Marshal(map[string]any{"error": map[string]any{"name": "NotAllowedError",
		"message": "no: " + text(r)}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func inPage(r *http.Request) string {
	return "<!DOCTYPE html><html><head><title>Sign in " + html.EscapeString(text(r)) + "</title></head><body>" + text(r) +
		"</body></html>"
}

func redirectTo(base string) echo {
	return func(w http.ResponseWriter, r *http.Request) bool {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Location", base+"/"+url.PathEscape(token)+"/x?token="+url.QueryEscape(token)+"&"+token)
		w.WriteHeader(http.StatusFound)
		return true
	}
}

func reset(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// refusal refuses requests with one document, with a reason that contains the credentials.
func refusal(w http.ResponseWriter, r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil || !bytes.Contains(body, []byte(`"id":"component:default/booking-web"`)) {
		return false
	}
	return answerWith(400, "text/plain", text)(w, r)
}

var echoes = map[string]echo{
	"401":         answerWith(401, "application/json", inJSON),
	"403 in text": answerWith(403, "text/plain", text),
	"404 in JSON": answerWith(404, "application/json", inJSON),
	"400 in text": answerWith(400, "text/plain", text),
	"429":         answerWith(429, "text/plain", text),
	"500 in JSON": answerWith(500, "application/json", inJSON),
	"500 in pieces": answerWith(500, "text/plain", func(r *http.Request) string {
		return strings.Repeat("…", 460) + text(r)
	}),
	"502 as a page":  answerWith(502, "text/html", inPage),
	"a sign-in page": answerWith(200, "text/html", inPage),
	"JSON that ends early": answerWith(200, "application/json",
		func(r *http.Request) string { return inJSON(r)[:60] }),
	"JSON of another kind":     answerWith(200, "application/json", inJSON),
	"no JSON":                  answerWith(200, "application/json", text),
	"a redirect to elsewhere":  redirectTo("https://login.example.com"),
	"a redirect on the spot":   redirectTo(""),
	"a redirect to no address": redirectTo("http://[::1"),
	"a reset":                  reset,
	"one refused document":     refusal,
	"nothing":                  func(http.ResponseWriter, *http.Request) bool { return false },
}

// front is a proxy that spoils a server's answers while it is switched on.
type front struct {
	*httptest.Server
	spoil atomic.Pointer[echo]
}

func newFront(t testing.TB, behind string) *front {
	t.Helper()
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	through := &http.Transport{}
	proxy := &httputil.ReverseProxy{Transport: through, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	f := &front{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if spoil := f.spoil.Load(); spoil == nil || !(*spoil)(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() { f.Close(); through.CloseIdleConnections() })
	return f
}
