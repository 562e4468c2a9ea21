package connection

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection/auth"
)

// summary is the steps in a line: + good, ! warning, - failed, . skipped.
func summary(t *testing.T, c *Connection) (line, details string) {
	t.Helper()
	var steps []string
	for _, f := range c.Diagnose(t.Context()) {
		mark := map[bool]string{true: "+", false: "-"}[f.OK]
		switch {
		case f.Skipped:
			mark = "."
		case f.Warning:
			mark = "!"
		}
		steps = append(steps, mark+f.What)
		details += fmt.Sprintf("%s: %s (%s)\n", f.What, f.Detail, f.Remedy)
		if f.OK && !f.Warning && f.Took < 0 || !f.OK && !f.Skipped && (f.Err == nil || f.Detail == "") {
			t.Errorf("%+v", f)
		}
	}
	noSecret(t, "the steps", details)
	return strings.Join(steps, " "), details
}

// TestDiagnose: the first step that fails explains itself, and the rest is skipped. No
// request is sent.
func TestDiagnose(t *testing.T) {
	ca := newAuthority(t, "company CA")
	certFile, keyFile := ca.issue(t, time.Now().Add(5*24*time.Hour), "127.0.0.1", "localhost")
	oldCert, oldKey := ca.issue(t, time.Now().Add(-time.Hour), "127.0.0.1")
	caFile := t.TempDir() + "/ca.pem"
	write(t, caFile, string(ca.pem))
	server := serveTLS(t, certFile, keyFile, nil)
	server.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the server got %s %s", r.Method, r.URL)
	})
	proxy := connectProxy(t, func(string) {})
	proxy.Start()
	t.Cleanup(proxy.Close)
	local := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	trust := func(c *Config, _ *Settings) { c.TLS.CAFile = caFile }
	k := newTokens(t)
	k.spoil = func(n int32, w http.ResponseWriter) bool {
		if n > 1 {
			answer(401, appJSON, `{"error":"invalid_client"}`)(w, nil)
		}
		return n > 1
	}
	for name, tc := range []struct {
		url    string
		adjust func(*Config, *Settings)
		want   string
		says   string
	}{
		{server.URL, trust, "+connect +tls +auth token",
			"connect: " + strings.TrimPrefix(server.URL, "https://") + " from 127.0.0.1"},
		{server.URL, trust, "+connect +tls +auth token", "TLS 1.3, test, issued by company CA, valid until " +
			day(time.Now().Add(5*24*time.Hour))},
		{local, trust, "+name +connect +tls +auth token", "name: "},
		{server.URL, nil, "+connect -tls .auth token", "signed by an untrusted authority"},
		{"https://nowhere.invalid", nil, "-name .connect .tls .auth token", "unknown host nowhere.invalid"},
		{"http://127.0.0.1:1", nil, "-connect .auth token", "refused the connection"},
		{strings.Replace(proxy.URL, "http", "https", 1), nil, "+connect -tls .auth token", "does not speak TLS"},
		{server.URL, func(c *Config, s *Settings) {
			trust(c, s)
			s.Proxy, c.Proxy = nil, Proxy{URL: proxy.URL, Username: proxyUser, Password: config.NewSecret(proxyPassword)}
		}, "+connect +proxy +tls +auth token",
			"proxy: " + strings.TrimPrefix(proxy.URL, "http://") + " lets requests through"},
		{server.URL, func(c *Config, s *Settings) {
			trust(c, s)
			s.Proxy, c.Proxy = nil, Proxy{URL: proxy.URL, Username: proxyUser,
				Password: config.NewSecret("wrong-" + proxyPassword)}
		}, "+connect -proxy .tls .auth token", "does not accept the user name and password (check proxy)"},
		{server.URL, func(c *Config, s *Settings) {
			trust(c, s)
			c.TLS.CertFile, c.TLS.KeyFile = certFile, keyFile
		}, "+connect +tls !client cert +auth token", "in 4 days (renew the certificate"},
		{server.URL, func(c *Config, s *Settings) {
			trust(c, s)
			c.TLS.CertFile, c.TLS.KeyFile = oldCert, oldKey
		}, "+connect +tls -client cert .auth token", "expired on"},
		{server.URL, func(c *Config, s *Settings) {
			trust(c, s)
			k.oauth2(c, s)
		}, "+connect +tls +auth 0.oauth2", "writes Authorization, valid until 20"},
		{server.URL, func(c *Config, s *Settings) {
			trust(c, s)
			k.oauth2(c, s)
			c.Auth = append(c.Auth, auth.Layer{CloudflareAccess: &auth.CloudflareAccess{ClientID: "x",
				ClientSecret: config.NewSecret(canary)}})
		}, "+connect +tls -auth 0.oauth2 .auth 1.cloudflare_access", "invalid_client (check client_id"},
	} {
		t.Run(fmt.Sprint(name), func(t *testing.T) {
			f := &fixture{}
			adjust := tc.adjust
			if adjust == nil {
				adjust = func(*Config, *Settings) {}
			}
			f.connect(t, tc.url, adjust)
			got, details := summary(t, f.Connection)
			if got != tc.want || !strings.Contains(details, tc.says) {
				t.Errorf("%s, want %s\n%s, want %q", got, tc.want, details, tc.says)
			}
		})
	}
}
