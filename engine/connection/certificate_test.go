package connection

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestClientCertificateIsReadAgain: a certificate that was replaced is presented by the
// next connection; half of a pair leaves the one before.
func TestClientCertificateIsReadAgain(t *testing.T) {
	ca := newAuthority(t, "ca")
	certFile, keyFile := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	write(t, caFile, string(ca.pem))
	var serial string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serial = r.TLS.PeerCertificates[0].SerialNumber.String()
		w.Header().Set("Connection", "close")
		answer(200, appJSON, "{}")(w, r)
	}))
	own, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: x509.NewCertPool(),
		ClientAuth: tls.RequireAndVerifyClientCert}
	s.TLS.ClientCAs.AddCert(ca.cert)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	put := func(from, to string) {
		t.Helper()
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, string(b)+strings.Repeat("\n", len(to)%7+int(time.Now().UnixNano()%5))) // another size
	}
	put(certFile, cert)
	put(keyFile, key)
	f := &fixture{}
	f.connect(t, s.URL, func(c *Config, _ *Settings) {
		c.TLS = TLS{Verify: true, CAFile: caFile, CertFile: cert, KeyFile: key}
	})
	get := func() string {
		t.Helper()
		if _, err := f.get(t); err != nil {
			t.Fatal(err)
		}
		return serial
	}
	first := get()
	certFile2, keyFile2 := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	put(certFile2, cert)
	if got := get(); got != first {
		t.Errorf("half a pair is presented: %s", got)
	}
	put(keyFile2, key)
	if got := get(); got == first {
		t.Error("the first certificate is presented still")
	}
}

// TestClientCertificateExpiry: the warning names the file and the day.
func TestClientCertificateExpiry(t *testing.T) {
	ca := newAuthority(t, "ca")
	for name, tc := range map[string]struct {
		until time.Duration
		says  string
	}{
		"valid for long":  {15 * 24 * time.Hour, ""},
		"two weeks":       {14*24*time.Hour - time.Minute, "expires on"},
		"a day":           {30 * time.Hour, ", in 1 day"},
		"hours":           {time.Hour, "less than a day"},
		"expired":         {-time.Hour, "expired on"},
		"not valid still": {time.Hour, "is not valid before"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, key := ca.issue(t, time.Now().Add(tc.until), "x")
			c, err := LoadKeyPair(TLS{CertFile: cert, KeyFile: key}.pair())
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			if name == "not valid still" {
				now = now.Add(-100 * time.Hour)
			}
			got := c.problem(now)
			if (got == "") != (tc.says == "") || !strings.Contains(got, tc.says) || got != "" && !strings.Contains(got, cert) {
				t.Errorf("%q, want %q", got, tc.says)
			}
			f := &fixture{}
			f.connect(t, "https://127.0.0.1:1", func(c *Config, _ *Settings) { c.TLS.CertFile, c.TLS.KeyFile = cert, key })
			if name != "not valid still" && (len(f.Warnings()) == 1) != (tc.says != "") {
				t.Errorf("warnings %q", f.Warnings())
			}
		})
	}
}
