package tunnel

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

// pinPrefix begins the pin of a key.
const pinPrefix = "sha256:"

// NewKey writes a new private key of an agent to a file, which must not exist.
func NewKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Sync(), f.Close())
}

// LoadKey reads the private key of an agent. It returns the certificate that the agent shows, and the
// pin by which pipelines know its key.
func LoadKey(file string) (tls.Certificate, string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return tls.Certificate{}, "", fmt.Errorf("%s has no private key", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return tls.Certificate{}, "", fmt.Errorf("%s has no key that pipe agent key has written", file)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()),
		Subject:   pkix.Name{CommonName: "pipe agent"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(100, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pinOf(leaf), nil
}

func pinOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return pinPrefix + hex.EncodeToString(sum[:])
}

// IsPin reports whether a text may be the pin of a key.
func IsPin(text string) bool {
	hash, found := strings.CutPrefix(text, pinPrefix)
	return found && IsHash(hash)
}

// ServerTLS is what an agent speaks with pipelines.
func ServerTLS(own tls.Certificate) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own},
		NextProtos: []string{"http/1.1"}}
}

// ClientTLS is what a pipeline speaks with the agent whose key has this pin. The names and dates of
// the certificate mean nothing; another key is a fatal *fault.Error.
func ClientTLS(pin, agent string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			found := "none"
			if len(s.PeerCertificates) > 0 {
				found = pinOf(s.PeerCertificates[0])
			}
			if found == pin && IsPin(pin) {
				return nil
			}
			return fault.Errorf(fault.Fatal,
				"ask the people who run the agent whether its key has changed. If it has not, the "+
					"hub, or someone between, is reading along: do not change agent_key",
				"WRONG AGENT KEY: what answers as agent %s has the key %s, and agent_key is %s. Nothing was sent to it",
				agent, found, pin)
		}}
}

// Detached returns a context that ends with ctx and has none of its values, such as the hooks of a
// trace of another connection.
func Detached(ctx context.Context) context.Context { return detached{ctx} }

type detached struct{ context.Context }

func (detached) Value(any) any { return nil }
