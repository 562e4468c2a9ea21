package connection

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// load reads the authorities; its errors name the field and the file.
func (t TLS) load() (*tls.Config, error) {
	c := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: !t.Verify, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := readFile("tls.ca_file", t.CAFile)
		if err != nil {
			return nil, err
		}
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca_file: %s has no PEM certificate", t.CAFile)
		}
	}
	return c, nil
}

// loadTLS is what the origin is reached with: load, and the client certificate.
func (c *Connection) loadTLS(t TLS) (*tls.Config, error) {
	out, err := t.load()
	if err != nil || t.CertFile == "" {
		return out, err
	}
	if c.certificate, err = newClientCertificate(t); err != nil {
		return nil, err
	}
	if problem := c.certificate.problem(time.Now()); problem != "" {
		c.warn("%s", problem)
	}
	out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return c.certificate.current(), nil
	}
	return out, nil
}

// clientCertificate is a certificate with its key, which are read again when their files
// change. It is safe for concurrent use.
type clientCertificate struct {
	files TLS

	mu   sync.Mutex
	pair tls.Certificate
	seen [2]fileStamp
}

type fileStamp struct {
	modified time.Time
	size     int64
}

func newClientCertificate(t TLS) (*clientCertificate, error) {
	c := &clientCertificate{files: t, seen: t.stamps()}
	var err error
	c.pair, err = t.clientCertificate()
	return c, err
}

func (t TLS) stamps() (out [2]fileStamp) {
	for i, path := range []string{t.CertFile, t.KeyFile} {
		if info, err := os.Stat(path); err == nil {
			out[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return out
}

// current is the pair of the files. While they are not a pair, as when one of the two was
// replaced and the other not yet, it is the one before.
func (c *clientCertificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.files.stamps(); now != c.seen {
		if pair, err := c.files.clientCertificate(); err == nil {
			c.pair, c.seen = pair, now
		}
	}
	pair := c.pair
	return &pair
}

// expires is when the certificate expires, and begins when it becomes valid.
func (c *clientCertificate) validity() (begins, expires time.Time) {
	leaf := c.current().Leaf
	return leaf.NotBefore, leaf.NotAfter
}

// soon is how long before a certificate expires it is warned of.
const soon = 14 * 24 * time.Hour

// problem is what is wrong with the validity of the certificate at a time, "" when nothing is.
func (c *clientCertificate) problem(now time.Time) string {
	begins, expires := c.validity()
	switch {
	case now.Before(begins):
		return fmt.Sprintf("the client certificate %s is not valid before %s", c.files.CertFile, day(begins))
	case now.After(expires):
		return fmt.Sprintf("the client certificate %s expired on %s", c.files.CertFile, day(expires))
	case expires.Sub(now) <= soon:
		return fmt.Sprintf("the client certificate %s expires on %s, in %s", c.files.CertFile, day(expires),
			daysUntil(now, expires))
	}
	return ""
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func daysUntil(now, at time.Time) string {
	switch n := int(at.Sub(now).Hours() / 24); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

func (t TLS) clientCertificate() (tls.Certificate, error) {
	cert, err := readFile("tls.cert_file", t.CertFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readFile("tls.key_file", t.KeyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{},
			fmt.Errorf("tls.cert_file %s and tls.key_file %s are not a pair: %w", t.CertFile, t.KeyFile, err)
	}
	return pair, nil
}

func readFile(field, path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	var where *fs.PathError
	if errors.As(err, &where) {
		return nil, fmt.Errorf("%s: %s: %w", field, path, where.Err)
	}
	return b, err
}
