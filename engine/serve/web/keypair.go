package web

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// keyPair is a certificate with its key, which is read again when one of the files changes. A
// pair that cannot be read leaves the earlier one in use.
type keyPair struct {
	certFile, keyFile string

	mu      sync.Mutex
	pair    *tls.Certificate
	changed [2]time.Time
}

func loadKeyPair(certFile, keyFile string) (*keyPair, error) {
	k := &keyPair{certFile: certFile, keyFile: keyFile}
	return k, k.refresh()
}

func (k *keyPair) refresh() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var changed [2]time.Time
	for i, name := range []string{k.certFile, k.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		changed[i] = info.ModTime()
	}
	if k.pair != nil && changed == k.changed {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return err
	}
	k.pair, k.changed = &pair, changed
	return nil
}

func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	err := k.refresh()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pair != nil {
		return k.pair, nil
	}
	return nil, err
}
