package connection

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

func TestLoopbackOnly(t *testing.T) {
	proxied := func(*url.URL) (*url.URL, error) {
		t.Error("a proxy was looked for")
		return nil, nil
	}
	f := start(t, answer(200, appJSON, "{}"), func(_ *Config, s *Settings) { s.LoopbackOnly, s.Proxy = true, proxied })
	if _, err := f.get(t); err != nil {
		t.Error(err)
	}
	_, port, _ := net.SplitHostPort(f.server.Listener.Addr().String())
	f.connect(t, "http://localhost:"+port, func(_ *Config, s *Settings) { s.LoopbackOnly, s.Proxy = true, proxied })
	if _, err := f.get(t); err != nil {
		t.Errorf("a name that is loopback: %v", err)
	}
	addresses := []string{"http://192.0.2.1", "https://[2001:db8::1]"}
	if runtime.GOOS != "windows" { // there it is another name of loopback
		addresses = append(addresses, "http://0.0.0.0:"+port)
	}
	for _, address := range addresses {
		f.connect(t, address, func(_ *Config, s *Settings) { s.LoopbackOnly, s.Proxy = true, proxied })
		_, err := f.get(t)
		if err == nil || fault.ClassOf(err) != fault.Fatal ||
			!strings.Contains(err.Error(), "is not an address of this machine") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestProxy(t *testing.T) {
	const password = "pr0xy-passw0rd"
	for name, tc := range map[string]struct {
		status       int
		url          string
		says, remedy string
		class        fault.Class
	}{
		"plain requests go through it": {200, "http://backstage.invalid", "", "", 0},
		"it repeats its password": {400, "http://backstage.invalid", "400 Bad Request: for [redacted]", "",
			fault.Permanent},
		"it wants credentials": {407, "https://backstage.invalid",
			"the proxy does not accept the user name and password", "HTTPS_PROXY",
			fault.Fatal},
		"it refuses": {403, "https://backstage.invalid", "the proxy refused the connection: 403",
			"NO_PROXY", fault.Permanent},
		"it has trouble": {502, "https://backstage.invalid", "the proxy could not connect: 502", "NO_PROXY",
			fault.Transient},
		"it is not there": {0, "https://backstage.invalid", "no connection through the proxy", "NO_PROXY",
			fault.Transient},
		"its address is none": {-1, "https://backstage.invalid", "the proxy's address is not a URL", "HTTPS_PROXY",
			fault.Fatal},
	} {
		t.Run(name, func(t *testing.T) {
			var asked string
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.Method + " " + r.RequestURI
				answer(max(tc.status, 200), appJSON, `{"message":"for `+password+`"}`)(w, r)
			}))
			t.Cleanup(proxy.Close)
			f := &fixture{}
			f.connect(t, tc.url, func(_ *Config, s *Settings) {
				s.Proxy = func(*url.URL) (*url.URL, error) {
					switch tc.status {
					case -1:
						_, err := url.Parse(strings.Join([]string{"http://u:", password, "@ho st"}, ""))
						return nil, err
					case 0:
						return url.Parse("http://u:" + password + "@127.0.0.1:1")
					}
					return url.Parse(strings.Replace(proxy.URL, "://", "://u:"+password+"@", 1))
				}
			})
			_, err := f.get(t)
			if tc.says == "" {
				if err != nil || asked != "GET http://backstage.invalid/x" {
					t.Errorf("%v, %q", err, asked)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) || fault.ClassOf(err) != tc.class ||
				!strings.Contains(fault.RemedyOf(err), tc.remedy) {
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
			if all := everythingOf(err) + f.log.String(); strings.Contains(all, password) {
				t.Errorf("the proxy's password shows: %s", all)
			}
		})
	}
}

// TestIdle: Node closes idle connections after 5 s.
func TestIdle(t *testing.T) {
	f := start(t, answer(200, appJSON, "{}"))
	if d := f.transport.origin.IdleConnTimeout; d <= 0 || d >= 5*time.Second {
		t.Errorf("idle connections are kept %v", d)
	}
	if f.transport.origin.MaxIdleConnsPerHost < 8 {
		t.Error("parallel requests do not keep their connections")
	}
}

func TestConnectionIsReused(t *testing.T) {
	addresses := map[string]bool{}
	serve := map[string]http.HandlerFunc{
		"/good": answer(200, appJSON, "{}"),
		"/gzip": answer(200, appJSON, gzipped("{}"), "Content-Encoding", "gzip"),
		"/bad":  answer(400, "text/plain", "no"),
	}
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		addresses[r.RemoteAddr] = true
		serve[r.URL.Path](w, r)
	})
	for range 3 {
		for path := range serve {
			_, _ = f.Do(t.Context(), Request{Method: "GET", Path: path})
		}
	}
	if len(addresses) != 1 {
		t.Errorf("%d connections for requests one after another", len(addresses))
	}
}
