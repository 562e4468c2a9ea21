package connection

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// PairFiles are the files of a certificate and its key, in PEM, and the settings that name the
// files, for errors.
type PairFiles struct{ CertFile, KeyFile, CertSetting, KeySetting string }

// KeyPair is a certificate with its key, which are read again when their files change. It is safe
// for concurrent use.
type KeyPair struct {
	files PairFiles

	mu   sync.Mutex
	pair tls.Certificate
	seen [2]fileStamp
}

type fileStamp struct {
	modified time.Time
	size     int64
}

// LoadKeyPair reads the files.
func LoadKeyPair(files PairFiles) (*KeyPair, error) {
	k := &KeyPair{files: files, seen: files.stamps()}
	var err error
	k.pair, err = files.load()
	return k, err
}

func (f PairFiles) stamps() (out [2]fileStamp) {
	for i, path := range []string{f.CertFile, f.KeyFile} {
		if info, err := os.Stat(path); err == nil {
			out[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return out
}

func (f PairFiles) load() (tls.Certificate, error) {
	cert, err := readFile(f.CertSetting, f.CertFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readFile(f.KeySetting, f.KeyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{},
			fmt.Errorf("%s %s and %s %s are not a pair: %w", f.CertSetting, f.CertFile, f.KeySetting, f.KeyFile, err)
	}
	return pair, nil
}

// Current returns the pair of the files. While they are not a pair, as when one of the two was
// replaced and the other not yet, it returns the one before.
func (k *KeyPair) Current() *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.files.stamps(); now != k.seen {
		if pair, err := k.files.load(); err == nil {
			k.pair, k.seen = pair, now
		}
	}
	pair := k.pair
	return &pair
}

// validity returns when the certificate becomes valid, and when it expires.
func (k *KeyPair) validity() (begins, expires time.Time) {
	leaf := k.Current().Leaf
	return leaf.NotBefore, leaf.NotAfter
}

// soon is how long before a certificate expires it is warned of.
const soon = 14 * 24 * time.Hour

// problem is what is wrong with the validity of a client certificate at a time, "" when nothing
// is.
func (k *KeyPair) problem(now time.Time) string {
	begins, expires := k.validity()
	switch {
	case now.Before(begins):
		return fmt.Sprintf("the client certificate %s is not valid before %s", k.files.CertFile, day(begins))
	case now.After(expires):
		return fmt.Sprintf("the client certificate %s expired on %s", k.files.CertFile, day(expires))
	case expires.Sub(now) <= soon:
		return fmt.Sprintf("the client certificate %s expires on %s, in %s", k.files.CertFile, day(expires),
			daysUntil(now, expires))
	}
	return ""
}
