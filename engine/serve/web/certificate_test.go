package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/serve/web"
)

// certificate returns a certificate for this machine with a serial number, and its key.
func certificate(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour),
		NotBefore: time.Now().Add(-time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &own.PublicKey, own)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// TestCertificateIsReadAgain: a certificate that was renewed is served to the next connection; half
// of a pair leaves the one before.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put := func(path string, text []byte, more int) {
		t.Helper()
		// another size, where the time of a change is coarse
		if err := os.WriteFile(path, append(text, strings.Repeat("\n", more)...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := certificate(t, 1)
	put(certFile, cert, 0)
	put(keyFile, key, 0)
	s := newSiteWith(t, "", web.Options{CertFile: certFile, KeyFile: keyFile})
	served := func() int64 {
		t.Helper()
		c, err := tls.Dial("tcp", s.web.Addr(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := served(); got != 1 {
		t.Fatalf("certificate %d is served", got)
	}
	cert, key = certificate(t, 2)
	put(certFile, cert, 7)
	if got := served(); got != 1 {
		t.Errorf("with half a pair, certificate %d is served", got)
	}
	put(keyFile, key, 7)
	if got := served(); got != 2 {
		t.Errorf("after the renewal, certificate %d is served", got)
	}
	put(keyFile, []byte("damaged"), 0)
	if got := served(); got != 2 {
		t.Errorf("with a damaged key, certificate %d is served", got)
	}
	if _, err := web.Listen(s.Server, web.Options{Listen: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile}, nil, nil,
		""); err == nil || !strings.Contains(err.Error(), "--tls-key "+keyFile+" are not a pair") {
		t.Errorf("a damaged key at the start: %v", err)
	}
}
