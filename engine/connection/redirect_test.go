package connection

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestRedirects (invariant 6): credentials never leave the origin.
func TestRedirects(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	https := func(own string) string { return strings.Replace(own, "http:", "https:", 1) }

	for name, tc := range map[string]struct {
		method   string
		to       func(own string) string
		status   int
		says     string // "" when it is followed
		attempts int
	}{
		"same origin": {"GET", func(own string) string { return own + "/base/there?q=1" }, 302, "", 2},
		"relative":    {"GET", func(string) string { return "there?q=1" }, 301, "", 2},
		"308":         {"GET", func(string) string { return "/base/there?q=1" }, 308, "", 2},
		"another port": {"GET", func(string) string {
			return other.URL + "/login?token=" + canary
		}, 302, "redirects to " + other.URL + ", another origin", 1},
		"another scheme": {"GET", https, 302, "another origin", 1},
		"another host": {"GET", func(string) string {
			return "//idp.example.com/login"
		}, 307, "redirects to http://idp.example.com, another origin, which never gets the credentials: " +
			"probably a sign-in proxy", 1},
		"beside the base": {"GET", func(string) string { return "/login?x=1" }, 302,
			"redirects to /login, which is not part of this API", 1},
		"beside, with dots": {"GET", func(string) string { return "/base/%2e%2e/login" }, 302, "not part of this API", 1},
		"what is not allowed": {"GET", func(string) string {
			return "/base/forbidden"
		}, 302, "redirects to /base/forbidden, which", 1},
		"a POST": {"POST", func(string) string { return "/base/there" }, 307,
			"redirects a POST to /base/there", 1},
		"nowhere":    {"GET", func(string) string { return "" }, 302, "to an address that cannot be read", 1},
		"no address": {"GET", func(string) string { return "http://a b/%zz" }, 302, "to an address that cannot be read", 1},
		"in a circle": {"GET", func(string) string { return "/base/x" }, 302,
			"more than 3 redirects, the last to /base/x", 4},
		"user name in location": {"GET", func(own string) string {
			return strings.Replace(own, "://", "://u:p@", 1) + "/base/there?q=1"
		}, 302, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixture{}
			f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				f.mu.Lock()
				f.hits++
				f.mu.Unlock()
				if r.URL.Path == "/base/there" && r.URL.RawQuery == "q=1" &&
					r.Header.Get("Authorization") == "Bearer "+canary {
					answer(200, appJSON, "{}")(w, r)
					return
				}
				w.Header()["Location"] = []string{tc.to(f.server.URL)}
				w.WriteHeader(tc.status)
				fmt.Fprint(w, page)
			}))
			t.Cleanup(f.server.Close)
			f.connect(t, f.server.URL+"/base")
			_, err := f.Do(t.Context(), Request{Method: tc.method, Path: "/x", Idempotent: true})
			switch {
			case tc.says == "" && err != nil, tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
				t.Errorf("%v", err)
			case err != nil:
				noSecret(t, "the error", everythingOf(err))
				if c := fault.ClassOf(err); c == fault.Transient || c == fault.Throttled {
					t.Errorf("class %v", c)
				}
			}
			if f.attempts() != tc.attempts {
				t.Errorf("%d requests, want %d", f.attempts(), tc.attempts)
			}
		})
	}
	if elsewhere.Load() != 0 {
		t.Errorf("another origin was asked %d times", elsewhere.Load())
	}
}

// TestRedirectToPlainHTTP (invariant 6): a redirect from https to http is to another origin, on the same
// port too.
func TestRedirectToPlainHTTP(t *testing.T) {
	c := &Connection{s: Settings{Allow: func(string, string) bool { return true }}}
	c.base, _ = url.Parse("https://h.example:8443/base")
	k := &call{Request: Request{Method: http.MethodGet}}
	for to, want := range map[string]string{
		"http://h.example:8443/base/x":  "redirects to http://h.example:8443, another origin",
		"http://h.example/base/x":       "redirects to http://h.example, another origin",
		"https://h.example:8443/base/x": "",
	} {
		resp := &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {to}}}
		_, err := c.follow(k, c.base, resp, 0)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", to, err)
		}
	}
}
