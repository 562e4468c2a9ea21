package connection

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary is a token that every escape changes.
const canary = `c4n"ary/+<sec>&=t\oken?%7e`

// fixture is a connection to a server on loopback that records what happens.
type fixture struct {
	*Connection
	server *httptest.Server
	log    *syncBuffer

	mu     sync.Mutex
	hits   int
	pauses []time.Duration
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start serves the handler and connects to it with the canary as token;
// nothing really waits. adjust may change both configurations.
func start(t *testing.T, h http.HandlerFunc, adjust ...func(*Config, *Settings)) *fixture {
	t.Helper()
	f := &fixture{}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.hits++
		f.mu.Unlock()
		h(w, r)
	}))
	f.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	f.server.Start()
	t.Cleanup(f.server.Close)
	f.connect(t, f.server.URL, adjust...)
	return f
}

func (f *fixture) connect(t *testing.T, address string, adjust ...func(*Config, *Settings)) {
	t.Helper()
	f.log = &syncBuffer{}
	cfg := Default()
	cfg.Retries.Attempts, cfg.InsecureHTTP = 3, true
	s := Settings{
		Name: "backstage", URL: address, Token: config.NewSecret(canary), UserAgent: "pipe/1 (test; 1)",
		Allow: func(method, path string) bool { return !strings.HasPrefix(path, "/forbidden") },
		Proxy: func(*url.URL) (*url.URL, error) { return nil, nil },
		Log:   slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, a := range adjust {
		a(&cfg, &s)
	}
	c, err := New(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	c.wait = func(ctx context.Context, d time.Duration) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.pauses = append(f.pauses, d)
		return ctx.Err()
	}
	t.Cleanup(c.Close)
	f.Connection = c
}

func (f *fixture) get(t *testing.T) (*Response, error) {
	return f.Do(t.Context(), Request{Method: http.MethodGet, Path: "/x"})
}

// attempts returns the number of requests that the server received.
func (f *fixture) attempts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// secretForms are the ways in which the canary may be echoed, written without
// the help of the redactor.
func secretForms() map[string]string {
	quoted, _ := codec.Marshal(map[string]string{"a": canary})
	return map[string]string{
		"plain":       canary,
		"query":       url.QueryEscape(canary),
		"lower query": strings.ToLower(url.QueryEscape(canary)),
		"path":        url.PathEscape(canary),
		"json":        strings.TrimSuffix(strings.TrimPrefix(string(quoted), `{"a":"`), `"}`),
		"go":          strings.Trim(fmt.Sprintf("%q", canary), `"`),
		"base64":      base64.StdEncoding.EncodeToString([]byte(canary)),
		"base64 url":  base64.RawURLEncoding.EncodeToString([]byte(canary)),
		"basic auth":  base64.StdEncoding.EncodeToString([]byte("u:" + canary + ":")),
		"bearer":      base64.StdEncoding.EncodeToString([]byte("Bearer " + canary)),
	}
}

// noSecret fails when a text holds the canary in any form, or the greater part
// of it, because base64 mixes its ends with the text around it.
func noSecret(t *testing.T, where, text string) {
	t.Helper()
	for form, secret := range secretForms() {
		if middle := secret[len(secret)/3 : len(secret)*2/3]; strings.Contains(text, middle) {
			t.Errorf("%s holds the secret (%s): %s", where, form, text)
		}
	}
}

// everythingOf is all text that an error can give away.
func everythingOf(err error) string {
	all := fmt.Sprintf("%v\n%+v\n%q\n%s\n", err, err, err, fault.RemedyOf(err))
	for e := err; e != nil; e = errors.Unwrap(e) {
		all += fmt.Sprintf("%v %+v\n", e, e)
	}
	var s *StatusError
	if errors.As(err, &s) {
		all += fmt.Sprintf("%#v", *s)
	}
	return all
}
