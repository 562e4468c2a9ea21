package connection

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

func answer(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		} else {
			w.Header()["Content-Type"] = nil
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// raw answers with bytes and hangs up.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

const (
	appJSON = "application/json"
	page    = "<!DOCTYPE html><html><head><title>Sign in &amp; go\n on</title></head></html>"
)

// TestFaults: what each fault is called, its class, what to do, and how often
// it was tried (3 when it is retried).
func TestFaults(t *testing.T) {
	compressed := gzipped(`{"a":"` + strings.Repeat("x", 1000) + `"}`)
	for name, tc := range map[string]struct {
		serve    http.HandlerFunc
		class    fault.Class
		attempts int
		says     string // of the error's text
		remedy   string
	}{
		"401": {answer(401, appJSON, `{"error":{"name":"AuthenticationError","message":"Illegal token"}}`), fault.Fatal, 1,
			"401 Unauthorized: AuthenticationError: Illegal token", "the token of backstage was refused"},
		"403": {answer(403, appJSON, `{"error":{"message":"no"}}`), fault.Permanent, 1, "403 Forbidden: no", "may " +
			"do"},
		"400": {answer(400, appJSON, `{"error":{"name":"InputError","message":"Unknown query parameter 'x'"}}`), fault.Permanent, 1, "InputError: Unknown query parameter 'x'",
			""},
		"404 in plain text": {answer(404, "text/plain", "nothing\x1b[31m here\r\n"), fault.Permanent, 1,
			"404 Not Found: nothing [31m here", ""},
		"404, a page": {answer(404, "text/html", page), fault.Permanent, 1, `404 Not Found: an HTML page (title "Sign in & go on") instead of the API's response`, "proxy in front"},
		"409":         {answer(409, "", ""), fault.Permanent, 1, "409 Conflict", ""},
		"410":         {answer(410, "", ""), fault.Permanent, 1, "410 Gone", ""},
		"413":         {answer(413, "", ""), fault.Permanent, 1, "413", ""},
		"304":         {answer(304, "", ""), fault.Permanent, 1, "304 Not Modified", ""},
		"407":         {answer(407, "", ""), fault.Fatal, 1, "407", "HTTPS_PROXY"},
		"408":         {answer(408, "", ""), fault.Transient, 3, "408", ""},
		"425":         {answer(425, "", ""), fault.Transient, 3, "425", ""},
		"429":         {answer(429, "", ""), fault.Throttled, 3, "429", "rate limit"},
		"500":         {answer(500, appJSON, `{"error":{"message":"An internal error occurred logId=17"}}`), fault.Transient, 3, "logId=17 (3 attempts in ", ""},
		"501":         {answer(501, "", ""), fault.Permanent, 1, "501", ""},
		"505":         {answer(505, "", ""), fault.Permanent, 1, "505", ""},
		"502, a page": {answer(502, "text/html", "<html><title>502 Bad Gateway</title>"), fault.Transient, 3, `502 Bad Gateway: an HTML page (title "502 Bad Gateway")`,
			""},
		"503":                  {answer(503, "", ""), fault.Transient, 3, "503 Service Unavailable (3 attempts", ""},
		"503 with Retry-After": {answer(503, "", "", "Retry-After", "7"), fault.Throttled, 3, "503", ""},
		"599":                  {answer(599, "", ""), fault.Transient, 3, "599", ""},
		"request ID":           {answer(400, "", "", "X-Request-Id", "r-17"), fault.Permanent, 1, "(request r-17)", ""},
		"200, a page": {answer(200, "text/html; charset=utf-8", page), fault.Fatal, 1, `200, but the response is an ` +
			`HTML page (title "Sign in & go on") instead of the API's`,
			"check the address of backstage"},
		"200, a page, no type": {answer(200, "text/plain", "\ufeff <!-- hi -->\n"+page), fault.Fatal, 1, "an HTML page",
			"check the address"},
		"200, a page as JSON": {answer(200, appJSON, page), fault.Permanent, 1, "claims to be JSON and is not",
			"check the address"},
		"200, text":    {answer(200, "text/plain", `{"a":1}`), fault.Permanent, 1, `type "text/plain" instead of JSON`, "check the address"},
		"200, no type": {answer(200, "", `{"a":1}`), fault.Permanent, 1, `type ""`, ""},
		"200, empty":   {answer(200, appJSON, " \n"), fault.Permanent, 1, "is empty instead of JSON", ""},
		"200, empty, gzip": {answer(200, appJSON, "", "Content-Encoding", "gzip"), fault.Permanent, 1,
			"is empty instead of JSON", ""},
		"204": {answer(204, "", ""), fault.Permanent, 1, "204, but the response is empty", ""},
		"cut by length": {raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n" +
			"{\"a\":1}"), fault.Transient, 3, "the response ended early", ""},
		"cut in a chunk": {raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n"), fault.Transient, 3, "the response " +
			"ended early", ""},
		"cut without a length": {raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":"), fault.Transient,
			3, "its JSON is incomplete", ""},
		"cut gzip": {answer(200, appJSON, compressed[:len(compressed)-10], "Content-Encoding", "gzip"),
			fault.Transient, 3, "the response ended early", ""},
		"gzip that is none": {answer(200, appJSON, `{"a":1}`, "Content-Encoding", "gzip"), fault.Transient, 3,
			"the response ended early", ""},
		"unknown encoding": {answer(200, appJSON, `{"a":1}`, "Content-Encoding", "br"), fault.Permanent, 1, `encoding "br", which was not ` +
			`requested`, ""},
		"reset before the answer": {raw(""), fault.Transient, 3, "closed the connection before its response was " +
			"complete", ""},
		"no HTTP": {raw("SSH-2.0-OpenSSH_9\r\n"), fault.Permanent, 1, "does not answer as an HTTP server",
			"https"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, tc.serve)
			_, err := f.get(t)
			if err == nil {
				t.Fatal("no error")
			}
			if got := fault.ClassOf(err); got != tc.class {
				t.Errorf("class %v, want %v", got, tc.class)
			}
			if !strings.HasPrefix(err.Error(), "backstage: GET /x: ") || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%q does not say %q", err, tc.says)
			}
			if remedy := fault.RemedyOf(err); !strings.Contains(remedy, tc.remedy) {
				t.Errorf("remedy %q does not say %q", remedy, tc.remedy)
			}
			if f.attempts() != tc.attempts {
				t.Errorf("%d attempts, want %d", f.attempts(), tc.attempts)
			}
			if n := strings.Count(f.log.String(), "attempt failed"); n != tc.attempts {
				t.Errorf("%d failed attempts in the log, want %d", n, tc.attempts)
			}
			if n := strings.Count(f.log.String(), "trying again"); n != tc.attempts-1 {
				t.Errorf("%d retries in the log, want %d", n, tc.attempts-1)
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	for name, tc := range map[string]struct {
		url, says, remedy string
		class             fault.Class
		attempts          string
	}{
		"refused": {"http://127.0.0.1:1", "127.0.0.1:1 refused the connection", "check that backstage runs",
			fault.Transient, "(3 attempts"},
		"unknown host": {"http://no-such-host.invalid", "unknown host no-such-host.invalid", "resolve",
			fault.Permanent, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixture{}
			f.connect(t, tc.url)
			_, err := f.get(t)
			var temporary interface{ Temporary() bool }
			if name == "unknown host" && err != nil && errors.As(err, &temporary) {
				t.Skip("this machine cannot resolve host names")
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), tc.attempts) ||
				fault.ClassOf(err) != tc.class || !strings.Contains(fault.RemedyOf(err), tc.remedy) {
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
		})
	}
}

func TestGoodAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		serve http.HandlerFunc
		want  Want
		body  string
	}{
		"JSON":         {answer(200, "application/json; charset=utf-8", `{"a":1}`), JSON, `{"a":1}`},
		"a +json type": {answer(200, "application/problem+json", " [1]\n"), JSON, " [1]\n"},
		"JSON in gzip": {answer(200, appJSON, gzipped(`{"a":1}`), "Content-Encoding", "gzip"), JSON, `{"a":1}`},
		"anything":     {answer(200, "text/html", page), Any, page},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, tc.serve)
			resp, err := f.Do(t.Context(), Request{Method: "GET", Path: "/x", Want: tc.want})
			if err != nil || string(resp.Body) != tc.body {
				t.Errorf("%+v, %v", resp, err)
			}
		})
	}
}

func TestSizeCaps(t *testing.T) {
	bomb := gzipped(`"` + strings.Repeat("a", 1<<20) + `"`)
	small := func(c *Config, _ *Settings) { c.MaxResponse = 64 << 10 }
	for name, serve := range map[string]http.HandlerFunc{
		"gzip bomb":     answer(200, appJSON, bomb, "Content-Encoding", "gzip"),
		"plain":         answer(200, appJSON, `"`+strings.Repeat("a", 1<<20)+`"`),
		"one byte more": answer(200, appJSON, strings.Repeat("1", 64<<10+1)),
	} {
		f := start(t, serve, small)
		_, err := f.get(t)
		if !errors.Is(err, ErrTooLarge) || f.attempts() != 1 || fault.ClassOf(err) != fault.Permanent ||
			!strings.Contains(
				err.Error(),
				"larger than 64KiB",
			) || !strings.Contains(fault.RemedyOf(err), "max_response") {
			t.Errorf("%s: %v (%s), %d attempts", name, err, fault.RemedyOf(err), f.attempts())
		}
	}
	f := start(t, answer(200, appJSON, strings.Repeat("1", 64<<10)), small)
	if _, err := f.get(t); err != nil {
		t.Errorf("an answer of just the largest size: %v", err)
	}
	f = start(t, answer(200, appJSON, bomb, "Content-Encoding", "gzip"), small)
	if resp, err := f.Do(t.Context(), Request{Method: "GET", Path: "/x", MaxBytes: 2 << 20}); err != nil ||
		len(resp.Body) != 1<<20+2 {
		t.Errorf("MaxBytes does not override max_response: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	for name, serve := range map[string]http.HandlerFunc{
		"before the answer": func(w http.ResponseWriter, r *http.Request) { <-release },
		"within the body": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", appJSON)
			fmt.Fprint(w, `{"a":`)
			w.(http.Flusher).Flush()
			<-release
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, serve)
			t.Cleanup(func() { release <- struct{}{} })
			_, err := f.Do(
				t.Context(),
				Request{Method: "GET", Path: "/x", Timeout: 30 * time.Millisecond, NoRetry: true},
			)
			if !errors.Is(err, ErrTimeout) || fault.ClassOf(err) != fault.Transient ||
				!strings.Contains(err.Error(), "within 30ms") {
				t.Errorf("%v", err)
			}
		})
	}
}
