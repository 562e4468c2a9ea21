package connection

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

// tokens is a token endpoint that gives a number; spoil answers in its place.
type tokens struct {
	*httptest.Server
	given atomic.Int32
	spoil func(n int32, w http.ResponseWriter) bool
}

func newTokens(t *testing.T) *tokens {
	t.Helper()
	k := &tokens{}
	var asked atomic.Int32
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); k.spoil != nil && k.spoil(n, w) {
			return
		}
		answer(200, appJSON, fmt.Sprintf(`{"access_token":"token-number-%d","expires_in":300}`, k.given.Add(1)))(w, r)
	}))
	t.Cleanup(k.Close)
	return k
}

// oauth2 makes a connection authorize by the endpoint, in place of the fixture's token.
func (k *tokens) oauth2(c *Config, s *Settings) {
	s.Token = config.Secret{}
	c.Auth = auth.Layers{{OAuth2: &auth.OAuth2{TokenURL: k.URL, ClientID: "pipe", Header: "Authorization",
		ClientSecret: config.NewSecret(canary)}}}
}

// TestTokenIsRenewed: a token that the server refuses is replaced once.
func TestTokenIsRenewed(t *testing.T) {
	for name, tc := range map[string]struct {
		good     string
		request  Request
		attempts int
		given    int32
	}{
		"good":                        {"Bearer token-number-1", Request{Method: "GET"}, 1, 1},
		"revoked":                     {"Bearer token-number-2", Request{Method: "GET"}, 2, 2},
		"revoked, and a single write": {"Bearer token-number-2", Request{Method: "POST", NoRetry: true}, 2, 2},
		"never good":                  {"Bearer x", Request{Method: "GET"}, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTokens(t)
			f := start(t, wants(tc.good, ""), k.oauth2)
			tc.request.Path = "/x"
			_, err := f.Do(t.Context(), tc.request)
			if name == "never good" {
				if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "401") ||
					strings.Contains(err.Error(), "token-number") {
					t.Errorf("%v", err)
				}
			} else if err != nil {
				t.Error(err)
			}
			if f.attempts() != tc.attempts || k.given.Load() != tc.given {
				t.Errorf(
					"%d attempts with %d tokens, want %d and %d",
					f.attempts(),
					k.given.Load(),
					tc.attempts,
					tc.given,
				)
			}
		})
	}
}

// TestTokenEndpointIsRetried: the retry policy is that of the request, also of one that is
// not made twice, for it was not made yet.
func TestTokenEndpointIsRetried(t *testing.T) {
	k := newTokens(t)
	k.spoil = func(n int32, w http.ResponseWriter) bool {
		if n == 1 {
			w.WriteHeader(http.StatusBadGateway)
		} else if n == 2 {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return n < 3
	}
	f := start(t, wants("Bearer token-number-1", ""), k.oauth2)
	if _, err := f.Do(t.Context(), Request{Method: "POST", Path: "/x"}); err != nil {
		t.Fatal(err)
	}
	if f.attempts() != 1 || len(f.pauses) != 2 || f.pauses[1] < 7*time.Second {
		t.Errorf("%d attempts, pauses %v", f.attempts(), f.pauses)
	}
	k = newTokens(t)
	k.spoil = func(n int32, w http.ResponseWriter) bool {
		answer(
			401,
			appJSON,
			`{"error":"invalid_client","error_description":`+string(codec.Quote(nil, canary))+`}`,
		)(
			w,
			nil,
		)
		return true
	}
	f = start(t, wants("", ""), k.oauth2)
	_, err := f.get(t)
	if fault.ClassOf(err) != fault.Fatal || f.attempts() != 0 || len(f.pauses) != 0 ||
		!strings.Contains(err.Error(), "invalid_client") || !strings.Contains(fault.RemedyOf(err), "client_id") {
		t.Errorf("%v after %d attempts", err, f.attempts())
	}
	noSecret(t, "the error", everythingOf(err))
	noSecret(t, "the log", f.log.String())
	k = newTokens(t)
	k.Close()
	f = start(t, wants("", ""), k.oauth2)
	if _, err = f.get(t); fault.ClassOf(err) != fault.Transient ||
		!strings.Contains(err.Error(), "refused the connection") ||
		!strings.Contains(fault.RemedyOf(err), "the identity provider runs") ||
		len(f.pauses) != 2 {
		t.Errorf("%v (%s), pauses %v", err, fault.RemedyOf(err), f.pauses)
	}
}

// TestCredentialsStayAtTheirOrigin (invariant 6): every header of every request that any
// server gets. The origin gets the credentials, the token endpoint the client's secret,
// and the server that a redirect names gets nothing.
func TestCredentialsStayAtTheirOrigin(t *testing.T) {
	var mu sync.Mutex
	seen := map[string][]string{}
	record := func(who string, h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			for name, values := range r.Header {
				seen[who] = append(seen[who], name+": "+strings.Join(values, ","))
			}
			seen[who] = append(seen[who], r.URL.String())
			mu.Unlock()
			h(w, r)
		}
	}
	other := httptest.NewServer(record("other", answer(200, appJSON, "{}")))
	t.Cleanup(other.Close)
	k := newTokens(t)
	inner := k.Config.Handler
	k.Config.Handler = record("endpoint", inner.ServeHTTP)
	to := ""
	origin := start(t, record("origin", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		answer(200, appJSON, "{}")(w, r)
	}), k.oauth2, func(c *Config, _ *Settings) {
		c.Headers = map[string]config.Secret{"X-Edge-Key": config.NewSecret("edge-canary")}
		c.Auth = append(c.Auth, auth.Layer{CloudflareAccess: &auth.CloudflareAccess{ClientID: "cf-canary",
			ClientSecret: config.NewSecret("cf-secret-canary")}})
	})
	secrets := []string{"token-number-1", "edge-canary", "cf-canary", "cf-secret-canary"}
	for _, target := range []string{other.URL + "/x", "//" + strings.TrimPrefix(other.URL, "http://"), "/y"} {
		to = target
		_, _ = origin.get(t)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, secret := range secrets {
		if !strings.Contains(strings.Join(seen["origin"], "\n"), secret) {
			t.Errorf("the origin did not get %s", secret)
		}
		for _, who := range []string{"other", "endpoint"} {
			if strings.Contains(strings.Join(seen[who], "\n"), secret) {
				t.Errorf("%s got %s: %s", who, secret, seen[who])
			}
		}
	}
	if len(seen["other"]) > 0 {
		t.Errorf("another origin was asked: %s", seen["other"])
	}
	if strings.Contains(strings.Join(seen["origin"], "\n"), "cGlwZTp") { // pipe: in base64
		t.Error("the origin got the client's secret")
	}
}

// TestLinkLocal: no address of a file reaches a metadata server, by whatever name.
func TestLinkLocal(t *testing.T) {
	for _, address := range []string{"http://169.254.169.254", "http://[fe80::1]", "http://metadata.google.internal",
		"http://[::ffff:169.254.169.254]:80", "http://100.100.100.200", "http://[fd00:ec2::254]"} {
		_, err := New(
			Default(),
			Settings{Name: "backstage", URL: address, Allow: func(string, string) bool { return true }},
		)
		if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "link-local") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := refuseMetadata("tcp", "169.254.169.254:80", nil); err == nil {
		t.Error("a name that resolves to a metadata server is dialled")
	}
	if err := refuseMetadata("tcp", "10.0.0.1:80", nil); err != nil {
		t.Error(err)
	}
}

// TestLinkLocalProxy: cloud libraries reach metadata servers, but not as a proxy of the file
// whose name resolves to one.
func TestLinkLocalProxy(t *testing.T) {
	cfg := Default()
	cfg.Proxy.URL = "http://proxy.example.com:80"
	c, err := New(cfg, Settings{Name: "test", URL: "https://portal.example.com",
		Allow: func(string, string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	c.proxy.fixed.Host = "169.254.169.254:80" // as if the name was resolved to it
	for address, refused := range map[string]bool{"169.254.169.254:80": true, "169.254.169.253:80": false} {
		conn, err := c.transport.cloud.DialContext(t.Context(), "udp", address) // sends nothing
		if conn != nil {
			_ = conn.Close()
		}
		if got := err != nil && strings.Contains(err.Error(), "link-local"); got != refused {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestLinkLocalAtTheDial: the transports of a connection's server and of the addresses in its
// settings refuse a metadata server after names were resolved; that of cloud libraries does
// not.
func TestLinkLocalAtTheDial(t *testing.T) {
	c, err := New(Default(), Settings{Name: "test", URL: "https://portal.example.com",
		Allow: func(string, string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct {
		transport *http.Transport
		refused   bool
	}{"origin": {c.transport.origin, true}, "fetch": {c.transport.fetch, true}, "cloud": {c.transport.cloud, false}} {
		conn, err := one.transport.DialContext(t.Context(), "udp", "169.254.169.254:80") // sends nothing
		if conn != nil {
			_ = conn.Close()
		}
		if refused := err != nil && strings.Contains(err.Error(), "link-local"); refused != one.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
