package connection

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// failing answers with a status so many times, then well.
func failing(times int32, status int, header ...string) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) <= times {
			answer(status, "", "", header...)(w, r)
			return
		}
		answer(200, appJSON, "{}")(w, r)
	}
}

func TestRetriesOnlyWhatMayBeRepeated(t *testing.T) {
	for name, tc := range map[string]struct {
		request  Request
		attempts int
	}{
		"GET":              {Request{Method: "GET"}, 2},
		"POST":             {Request{Method: "POST", Body: []byte("{}")}, 1},
		"idempotent POST":  {Request{Method: "POST", Body: []byte("{}"), Idempotent: true}, 2},
		"GET, no retry":    {Request{Method: "GET", NoRetry: true}, 1},
		"POST, no retry":   {Request{Method: "POST", Idempotent: true, NoRetry: true}, 1},
		"DELETE, as it is": {Request{Method: "DELETE"}, 1},
	} {
		f := start(t, failing(1, 503))
		tc.request.Path = "/x"
		_, err := f.Do(t.Context(), tc.request)
		if f.attempts() != tc.attempts || (err == nil) != (tc.attempts == 2) {
			t.Errorf("%s: %d attempts, %v", name, f.attempts(), err)
		}
	}
}

// TestAgain: each further attempt has a body of its own, compressed like the
// first one.
func TestAgain(t *testing.T) {
	for _, compress := range []bool{false, true} {
		var got []string
		f := start(t, func(w http.ResponseWriter, r *http.Request) {
			body := io.Reader(r.Body)
			if r.Header.Get("Content-Encoding") == "gzip" {
				body, _ = gzip.NewReader(r.Body)
			}
			b, _ := io.ReadAll(body)
			got = append(got, fmt.Sprintf("%c%d", b[0], len(b)))
			if len(got) < 3 {
				w.WriteHeader(503)
				return
			}
			answer(200, appJSON, "{}")(w, r)
		}, func(_ *Config, s *Settings) { s.Compress = compress })
		sizes := []int{5, 3000}
		again := func() []byte {
			n := sizes[0]
			sizes = sizes[1:]
			return bytes.Repeat([]byte("b"), n)
		}
		_, err := f.Do(t.Context(),
			Request{Method: "POST", Path: "/x", Idempotent: true, Body: bytes.Repeat([]byte("a"), 2000), Again: again})
		if err != nil || strings.Join(got, " ") != "a2000 b5 b3000" || len(sizes) != 0 {
			t.Errorf("compressed %v: %v, %v", compress, got, err)
		}
	}
}

func TestPauses(t *testing.T) {
	f := start(t, failing(2, 429, "Retry-After", "40"), func(_ *Config, s *Settings) {
		s.Retry = fault.Retry{Cap: time.Minute}
	})
	if _, err := f.get(t); err != nil {
		t.Fatal(err)
	}
	if len(f.pauses) != 2 || f.pauses[0] != 40*time.Second {
		t.Errorf("Retry-After: paused %v", f.pauses)
	}
	f = start(t, failing(2, 503), func(_ *Config, s *Settings) {
		s.Retry = fault.Retry{Base: time.Second, Cap: time.Minute}
	})
	if _, err := f.get(t); err != nil {
		t.Fatal(err)
	}
	if len(f.pauses) != 2 || f.pauses[0] > time.Second || f.pauses[1] > 2*time.Second {
		t.Errorf("back-off: paused %v", f.pauses)
	}
	f = start(t, failing(9, 429, "Retry-After", "100"), func(c *Config, s *Settings) {
		c.Retries.Within = c.Timeout
	})
	if _, err := f.get(t); fault.ClassOf(err) != fault.Throttled || len(f.pauses) != 0 {
		t.Errorf("a pause beyond retries.within: %v, paused %v", err, f.pauses)
	}
}

func TestCancel(t *testing.T) {
	t.Run("during an attempt", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := start(t, func(w http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		_, err := f.Do(ctx, Request{Method: "POST", Path: "/x"})
		if err != context.Canceled || f.attempts() != 1 {
			t.Errorf("%v after %d attempts", err, f.attempts())
		}
	})
	t.Run("before the first", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f := start(t, answer(200, appJSON, "{}"))
		if _, err := f.Do(ctx, Request{Method: "GET", Path: "/x"}); err != context.Canceled || f.attempts() != 0 {
			t.Errorf("%v after %d attempts", err, f.attempts())
		}
	})
	t.Run("during back-off", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := start(t, failing(9, 503))
		f.wait = func(ctx context.Context, d time.Duration) error {
			cancel()
			return sleep(ctx, time.Hour)
		}
		if _, err := f.Do(ctx, Request{Method: "GET", Path: "/x"}); err != context.Canceled || f.attempts() != 1 {
			t.Errorf("%v after %d attempts", err, f.attempts())
		}
	})
	t.Run("a deadline of the caller's", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		f := start(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		if _, err := f.Do(ctx, Request{Method: "GET", Path: "/x"}); err != context.DeadlineExceeded {
			t.Errorf("%v", err)
		}
	})
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if err := sleep(t.Context(), 40*time.Second); err != nil || time.Since(begin) != 40*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		if err := sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

func TestLimiter(t *testing.T) {
	f := start(t, answer(200, appJSON, "{}"), func(_ *Config, s *Settings) { s.Rate, s.Burst = 0.1, 2 })
	for range 4 {
		if _, err := f.get(t); err != nil {
			t.Fatal(err)
		}
	}
	long := 0
	for _, p := range f.pauses {
		if p > 9*time.Second {
			long++
		}
	}
	if long != 2 {
		t.Errorf("a burst of 2 and 2 more: paused %v", f.pauses)
	}
}

// TestAllow (invariant 8): what is not allowed is not sent.
func TestAllow(t *testing.T) {
	f := start(t, answer(200, appJSON, "{}"), func(_ *Config, s *Settings) {
		s.Allow = func(method, path string) bool { return method == "GET" && strings.HasPrefix(path, "/entities") }
		s.URL += "/prefix/"
	})
	for _, r := range []Request{
		{Method: "POST", Path: "/entities"},
		{Method: "GET", Path: "/other"},
		{Method: "GET", Path: "/entities/../other"},
		{Method: "GET", Path: "/entities/./a"},
		{Method: "GET", Path: "/entities//a"},
		{Method: "GET", Path: "//entities"},
		{Method: "GET", Path: "entities"},
		{Method: "GET", Path: ""},
	} {
		if _, err := f.Do(t.Context(), r); err == nil || f.attempts() != 0 {
			t.Errorf("%s %s was sent: %v", r.Method, r.Path, err)
		}
	}
	if _, err := f.Do(t.Context(), Request{Method: "GET", Path: "/entities"}); err != nil {
		t.Error(err)
	}
}

// TestAllowing: the other connection allows what it states alone, and leaves the
// first one as it is.
func TestAllowing(t *testing.T) {
	f := start(t, answer(200, appJSON, "{}", "Deprecation", "true"))
	other := f.Allowing(func(method, path string) bool { return path == "/forbidden/a" })
	for _, c := range []struct {
		connection *Connection
		path       string
		sent       bool
	}{{f.Connection, "/a", true}, {f.Connection, "/forbidden/a", false}, {other, "/a", false},
		{other, "/forbidden/a", true}} {
		before := f.attempts()
		_, err := c.connection.Do(t.Context(), Request{Method: "GET", Path: c.path})
		if (err == nil) != c.sent || (f.attempts() > before) != c.sent {
			t.Errorf("%s: %v", c.path, err)
		}
	}
	if d := f.Deprecations(); len(d) != 2 {
		t.Errorf("the deprecations of both: %q", d)
	}
}

func TestWhatIsSent(t *testing.T) {
	var got *http.Request
	var body string
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		w.Header().Set("Set-Cookie", "session=1")
		answer(200, appJSON, "{}")(w, r)
	}, func(c *Config, s *Settings) {
		s.URL += "/my%20prefix/"
		s.ContentType = "application/json; charset=UTF-8"
		s.Compress = true
	})
	var seen []string
	f.s.Observe = func(a component.Attempt) {
		seen = append(seen, fmt.Sprint(a.Method, " ", a.Status, " ", time.Since(a.Began) < time.Minute, " ", a.Number, " ",
			a.Sent, " ", a.Received, " ", a.Part))
	}
	if _, err := f.Do(t.Context(),
		Request{Method: "POST", Path: "/a b", Query: map[string][]string{"filter": {"kind=a,b"}},
			Body: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if got.RequestURI != "/my%20prefix/a%20b?filter=kind%3Da%2Cb" || body != "{}" {
		t.Errorf("%s %q", got.RequestURI, body)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer " + canary, "User-Agent": "pipe/1 (test; 1)", "Accept": "application/json",
		"Accept-Encoding": "identity", "Content-Type": "application/json; charset=UTF-8", "Content-Encoding": "",
		"Cookie": "",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	long := strings.Repeat("{}", 1000)
	if _, err := f.Do(t.Context(), Request{Method: "POST", Path: "/a", Body: []byte(long)}); err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Content-Encoding") != "gzip" || len(body) >= len(long) || got.Header.Get("Cookie") != "" {
		t.Errorf("%v, %d bytes", got.Header, len(body))
	}
	if !slices.Equal(seen, []string{"POST 200 true 1 2 2 <nil>", "POST 200 true 1 2000 2 <nil>"}) {
		t.Errorf("observed %q", seen)
	}
}
