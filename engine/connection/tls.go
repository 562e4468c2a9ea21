package connection

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	if c.certificate, err = LoadKeyPair(t.pair()); err != nil {
		return nil, err
	}
	if problem := c.certificate.problem(time.Now()); problem != "" {
		c.warn("%s", problem)
	}
	out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return c.certificate.Current(), nil
	}
	return out, nil
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

// pair returns the files of the client certificate.
func (t TLS) pair() PairFiles {
	return PairFiles{t.CertFile, t.KeyFile, "tls.cert_file", "tls.key_file"}
}

func readFile(field, path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	var where *fs.PathError
	if errors.As(err, &where) {
		return nil, fmt.Errorf("%s: %s: %w", field, path, where.Err)
	}
	return b, err
}
