package signin

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"sync"
	"time"
)

// LinkTime is how long a sign-in link works.
const LinkTime = 5 * time.Minute

// ErrUnknownCode means that a code is not known, was used, or is too old.
var ErrUnknownCode = errors.New("the link was used already, or is older than five minutes")

// Codes keeps the codes of sign-in links. Implementations keep hashes, not codes.
type Codes interface {
	// Take uses a code up and returns the name of the person whose session begins. It returns
	// ErrUnknownCode when the code is not known, was used, or is too old.
	Take(ctx context.Context, code string) (person string, err error)
}

// NewCode returns a code that cannot be guessed.
func NewCode() string {
	b := make([]byte, tokenBytes)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Memory keeps the codes of one process.
type Memory struct {
	Now func() time.Time // nil means time.Now

	mu    sync.Mutex
	codes map[string]issued // by hash
}

type issued struct {
	person  string
	expires time.Time
}

var _ Codes = (*Memory)(nil)

func (m *Memory) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

// Issue returns a code that signs a person in, once, within LinkTime.
func (m *Memory) Issue(person string) string {
	code := NewCode()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.codes == nil {
		m.codes = map[string]issued{}
	}
	m.codes[hashOf(code)] = issued{person, m.now().Add(LinkTime)}
	return code
}

// Take implements Codes.
func (m *Memory) Take(_ context.Context, code string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.codes[hashOf(code)]
	delete(m.codes, hashOf(code))
	if !ok || m.now().After(found.expires) {
		return "", ErrUnknownCode
	}
	return found.person, nil
}
