package connection

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// load reads the files; its errors name the field and the file.
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
	if t.CertFile != "" {
		cert, err := t.clientCertificate()
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
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
