package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/serve/signin/openid"
)

// attemptTime is how long a person may take to sign in at the provider.
const attemptTime = 10 * time.Minute

// attempt is the sign-in of a browser that is at the provider.
type attempt struct {
	openid.Attempt
	Back  string    `json:"back"`
	Begun time.Time `json:"begun"`
}

// attempts seals attempts for the cookies of browsers, which keep them: an attempt takes no memory
// of the server, however many are begun. An attempt succeeds once. Those that have succeeded are
// kept until they expire, so only people who may sign in add to them.
type attempts struct {
	key []byte // of this process

	mu   sync.Mutex
	used map[string]time.Time // when they began, by state; those that are being finished, too
}

func newAttempts() *attempts {
	a := &attempts{key: make([]byte, 32), used: map[string]time.Time{}}
	rand.Read(a.key) // never fails
	return a
}

// saltBytes is the length of the salt of a seal: each cookie has a key of its own, so any number of
// them can be sealed.
const saltBytes = 16

// sealer returns the cipher for a salt.
func (a *attempts) sealer(salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, a.key, salt, "pipe: a sign-in at an OpenID provider", len(a.key))
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal returns the value of the cookie of an attempt. A browser can neither read nor change it.
func (a *attempts) seal(one *attempt) (string, error) {
	text, err := codec.Marshal(one)
	if err != nil {
		return "", err
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	sealer, err := a.sealer(salt)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealer.Seal(salt, nil, text, nil)), nil
}

// unseal returns the attempt of a cookie; nil when this process has not sealed it.
func (a *attempts) unseal(cookie string) *attempt {
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(sealed) < saltBytes {
		return nil
	}
	sealer, err := a.sealer(sealed[:saltBytes])
	if err != nil {
		return nil
	}
	text, err := sealer.Open(nil, nil, sealed[saltBytes:], nil)
	if err != nil {
		return nil
	}
	one := &attempt{}
	if codec.Unmarshal(text, one) != nil {
		return nil
	}
	return one
}

// open returns the attempt of a cookie to which an answer belongs; nil when there is none. An answer
// that does not belong to it leaves it: another site may have sent the browser.
func (a *attempts) open(cookie string, answer url.Values, now time.Time) *attempt {
	one := a.unseal(cookie)
	if one == nil || now.Sub(one.Begun) > attemptTime || !one.Answers(answer) {
		return nil
	}
	return one
}

// begin reports whether an attempt may be finished: it has not succeeded, and is not being finished.
// end must be called then.
func (a *attempts) begin(one *attempt, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for state, begun := range a.used {
		if now.Sub(begun) > attemptTime {
			delete(a.used, state)
		}
	}
	if _, used := a.used[one.State]; used {
		return false
	}
	a.used[one.State] = one.Begun
	return true
}

// end says whether an attempt has succeeded.
func (a *attempts) end(one *attempt, succeeded bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !succeeded {
		delete(a.used, one.State)
	}
}
