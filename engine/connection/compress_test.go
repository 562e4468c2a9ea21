package connection

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
)

// TestCompress: by default answers of this machine and of private networks are asked
// for as they are, and those of others with gzip, also when the way leads through a
// proxy nearby.
func TestCompress(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Accept-Encoding")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{}`))
	}))
	defer server.Close()
	proxy, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		compress string
		proxied  bool
		want     string
	}{
		"not given":        {"", false, "identity"},
		"auto":             {"auto", false, "identity"},
		"auto and a proxy": {"auto", true, "gzip"},
		"always":           {"always", false, "gzip"},
		"never":            {"never", false, "identity"},
		"never, a proxy":   {"never", true, "identity"},
	} {
		cfg := Default()
		cfg.Compress = tc.compress
		s := Settings{Name: "test", URL: server.URL, Allow: func(string, string) bool { return true }}
		if tc.proxied {
			s.URL = "http://far.example.com"
			s.Proxy = func(*url.URL) (*url.URL, error) { return proxy, nil }
		}
		c, err := New(cfg, s)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // before and after an address was dialled
			if _, err := c.Do(t.Context(), Request{Method: http.MethodGet, Path: "/"}); err != nil {
				t.Fatal(err)
			}
		}
		if asked != tc.want {
			t.Errorf("%s: Accept-Encoding: %s, want %s", name, asked, tc.want)
		}
	}
}

func TestNear(t *testing.T) {
	for address, near := range map[string]bool{
		"127.0.0.1": true, "::1": true, "10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true, "fd00::1": true,
		"169.254.1.1":     true,
		"::ffff:10.1.2.3": true, "172.32.0.1": false, "8.8.8.8": false, "2001:db8::1": false,
	} {
		if got := isNear(netip.MustParseAddr(address)); got != near {
			t.Errorf("%s: %t", address, got)
		}
	}
	for host, near := range map[string]bool{"localhost": true, "10.1.2.3": true, "backstage.example.com": false,
		"8.8.8.8": false} {
		if got := hostIsNear(host); got != near {
			t.Errorf("%s: %t", host, got)
		}
	}
}
