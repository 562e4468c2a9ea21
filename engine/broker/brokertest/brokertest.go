// Package brokertest writes the files of a hub and an agent for tests.
package brokertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

// Options are what differs between tests.
type Options struct {
	// Listen is where the hub listens and Address is where the agent finds it; a free port of
	// this machine when both are empty.
	Listen, Address string
	// IPs are further addresses in the certificate of the hub.
	IPs []net.IP
	// Target is the address of the target, and Keys are its further keys, indented by four spaces.
	Target, Keys string
}

// Files are the files of a hub and of the agent acme, through which the pipeline nightly reads the
// target portal. The file of the agent takes its token for the hub from ${AGENT_TOKEN}.
type Files struct {
	Folder  string
	Address string // of the hub
	Token   string // of the pipeline
	Own     string // the token of the agent
	Pin     string // of the agent's key
}

// Write writes hub.yaml, hub.pem, hub.key, agent.yaml and agent.key into a new folder.
func Write(t testing.TB, o Options) *Files {
	t.Helper()
	if o.Address == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		o.Address = l.Addr().String()
		o.Listen = o.Address
		_ = l.Close()
	}
	f := &Files{Folder: t.TempDir(), Address: o.Address, Token: tunnel.NewToken(), Own: tunnel.NewToken()}
	f.certificate(t, append([]net.IP{net.IPv4(127, 0, 0, 1)}, o.IPs...))
	if err := tunnel.NewKey(f.Path("agent.key")); err != nil {
		t.Fatal(err)
	}
	var err error
	if _, f.Pin, err = tunnel.LoadKey(f.Path("agent.key")); err != nil {
		t.Fatal(err)
	}
	f.Write(t, "hub.yaml", fmt.Sprintf(`version: 1
listen: %s
tls: {cert_file: %[2]s/hub.pem, key_file: %[2]s/hub.key}
agents:
  acme:
    token_sha256: %s
    callers:
      - {name: nightly, token_sha256: %s, per_second: 10000}
`, o.Listen, f.Folder, tunnel.Hash(f.Own), tunnel.Hash(tunnel.ForHub(f.Token))))
	f.Write(t, "agent.yaml", fmt.Sprintf(`version: 1
name: acme
key_file: %[1]s/agent.key
hub:
  url: https://%[2]s
  token: ${AGENT_TOKEN}
  tls: {ca_file: %[1]s/hub.pem}
  proxy: none
callers:
  - {name: nightly, token_sha256: %[3]s}
targets:
  portal:
    url: %[4]s
%[5]saudit: {file: %[1]s/audit.jsonl}
`, f.Folder, f.Address, tunnel.Hash(tunnel.ForAgent(f.Token)), o.Target, o.Keys))
	return f
}

// Path returns the path of a file in the folder.
func (f *Files) Path(name string) string { return filepath.Join(f.Folder, name) }

// Write replaces a file in the folder.
func (f *Files) Write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(f.Path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *Files) certificate(t testing.TB, ips []net.IP) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hub"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		IPAddresses: ips, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f.Write(t, "hub.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	f.Write(t, "hub.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}
