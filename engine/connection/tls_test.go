package connection

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

// authority is a certificate authority of one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key, a.pem = sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	return a
}

// issue writes a certificate and its key, for names, valid until a moment.
func (a *authority) issue(t *testing.T, until time.Time, names ...string) (certFile, keyFile string) {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test"}, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	_, key, certPEM := sign(t, template, a)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, certFile, string(certPEM))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
	return certFile, keyFile
}

func sign(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-48 * time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// serveTLS answers {} with a certificate, and wants one of clients if given.
func serveTLS(t *testing.T, certFile, keyFile string, clients *authority) *httptest.Server {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(answer(200, appJSON, "{}"))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	if clients != nil {
		s.TLS.ClientCAs, s.TLS.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		s.TLS.ClientCAs.AddCert(clients.cert)
	}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestTLS(t *testing.T) {
	ca, stranger := newAuthority(t, "ours"), newAuthority(t, "theirs")
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	write(t, caFile, string(ca.pem))
	later := time.Now().Add(time.Hour)
	good, goodKey := ca.issue(t, later, "127.0.0.1", "backstage.corp")
	named, namedKey := ca.issue(t, later, "backstage.corp")
	expired, expiredKey := ca.issue(t, time.Now().Add(-time.Hour), "127.0.0.1")
	client, clientKey := ca.issue(t, later, "us")
	foreign, foreignKey := stranger.issue(t, later, "us")

	for name, tc := range map[string]struct {
		cert, key    string
		clients      *authority
		cfg          TLS
		says, remedy string // "" when it works
	}{
		"trusted": {good, goodKey, nil, TLS{Verify: true, CAFile: caFile}, "", ""},
		"unknown authority": {good, goodKey, nil, TLS{Verify: true}, "an untrusted authority",
			"tls.ca_file"},
		"another name": {named, namedKey, nil, TLS{Verify: true, CAFile: caFile}, "is for another name",
			"tls.server_name"},
		"another name, said so": {named, namedKey, nil, TLS{Verify: true, CAFile: caFile, ServerName: "backstage.corp"},
			"", ""},
		"expired": {expired, expiredKey, nil, TLS{Verify: true, CAFile: caFile},
			"is expired or not valid yet", "renew"},
		"not verified": {expired, expiredKey, nil, TLS{}, "", ""},
		"mutual": {good, goodKey, ca,
			TLS{Verify: true, CAFile: caFile, CertFile: client, KeyFile: clientKey}, "", ""},
		"no client certificate": {good, goodKey, ca, TLS{Verify: true, CAFile: caFile}, "client certificate",
			"tls.cert_file"},
		"foreign client certificate": {good, goodKey, ca,
			TLS{Verify: true, CAFile: caFile, CertFile: foreign, KeyFile: foreignKey}, "client certificate", "tls.cert_file"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixture{}
			f.connect(t, serveTLS(t, tc.cert, tc.key, tc.clients).URL, func(c *Config, _ *Settings) { c.TLS = tc.cfg })
			_, err := f.get(t)
			if (err == nil) != (tc.says == "") {
				t.Fatal(err)
			}
			if warned := len(f.Warnings()) == 1 &&
				strings.Contains(f.log.String(), "tls.verify is false"); warned == tc.cfg.Verify {
				t.Errorf("warnings %q with verify: %v", f.Warnings(), tc.cfg.Verify)
			}
			if err == nil {
				return
			}
			class := fault.Fatal
			if tc.clients != nil &&
				strings.Contains(err.Error(), "closed the connection") { // the reason does not always arrive
				class, tc.says = fault.Transient, ""
			}
			if !strings.Contains(err.Error(), tc.says) || !strings.Contains(fault.RemedyOf(err), tc.remedy) ||
				fault.ClassOf(err) != class {
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
		})
	}
	t.Run("https to a plain server", func(t *testing.T) {
		f := start(t, answer(200, appJSON, "{}"))
		f.connect(t, strings.Replace(f.server.URL, "http:", "https:", 1))
		if _, err := f.get(t); err == nil || !strings.Contains(err.Error(), "does not speak TLS") ||
			fault.ClassOf(err) != fault.Fatal {
			t.Errorf("%v", err)
		}
	})
	t.Run("http to a TLS server", func(t *testing.T) {
		f := &fixture{}
		f.connect(t, strings.Replace(serveTLS(t, good, goodKey, nil).URL, "https:", "http:", 1))
		if _, err := f.get(t); err == nil ||
			!strings.Contains(err.Error(), "HTTPS") && !strings.Contains(err.Error(), "HTTP server") {
			t.Errorf("%v", err)
		}
	})
}

func TestTLSFiles(t *testing.T) {
	ca := newAuthority(t, "ours")
	cert, key := ca.issue(t, time.Now().Add(time.Hour), "us")
	_, otherKey := ca.issue(t, time.Now().Add(time.Hour), "us")
	text := filepath.Join(t.TempDir(), "text")
	write(t, text, "not PEM")
	for name, tc := range map[string]struct {
		cfg  TLS
		says []string
	}{
		"no such authority": {TLS{CAFile: "/no/such/ca.pem"},
			[]string{"backstage: ", "tls.ca_file: /no/such/ca.pem: "}},
		"a directory":  {TLS{CAFile: filepath.Dir(text)}, []string{"tls.ca_file: " + filepath.Dir(text)}},
		"not PEM":      {TLS{CAFile: text}, []string{"tls.ca_file: ", text, "no PEM certificate"}},
		"no such cert": {TLS{CertFile: "/no/cert", KeyFile: key}, []string{"tls.cert_file: /no/cert"}},
		"no such key":  {TLS{CertFile: cert, KeyFile: "/no/key"}, []string{"tls.key_file: /no/key"}},
		"key of another": {TLS{CertFile: cert, KeyFile: otherKey},
			[]string{"tls.cert_file", "tls.key_file", "are not a pair", otherKey}},
		"half a certificate": {TLS{CertFile: cert}, []string{"tls: cert_file and key_file"}},
	} {
		tc.cfg.Verify = true
		cfg := Default()
		cfg.TLS = tc.cfg
		_, err := New(
			cfg,
			Settings{Name: "backstage", URL: "https://h", Allow: func(string, string) bool { return true }},
		)
		for _, want := range tc.says {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", name, err, want)
			}
		}
	}
}

func TestHTTP2(t *testing.T) {
	ca := newAuthority(t, "ours")
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	write(t, caFile, string(ca.pem))
	cert, key := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	s := serveTLS(t, cert, key, nil)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(200, appJSON, "{}", "X-Proto", r.Proto)(w, r)
	})
	f := &fixture{}
	f.connect(t, s.URL, func(c *Config, _ *Settings) { c.TLS.CAFile = caFile })
	if resp, err := f.get(t); err != nil || resp.Header.Get("X-Proto") != "HTTP/2.0" {
		t.Errorf("%+v %v", resp, err)
	}
}
