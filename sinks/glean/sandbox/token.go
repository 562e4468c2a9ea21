package sandbox

import (
	"crypto/rand"
	"crypto/subtle"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// tokenOverlap is how long the old secret of a token works after a rotation.
const tokenOverlap = 10 * time.Minute

// token is the one that the server accepts. Guarded by the server's mu.
type token struct {
	secret    string // "": any
	since     time.Time
	old       string // the secret before, "" when there was none
	rotatable time.Duration
}

// accepts reports whether a secret works: the current one until its rotation is due, and the
// previous one for a while.
func (t *token) accepts(secret string, now time.Time) bool {
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	switch {
	case t.secret == "":
		return true
	case same(secret, t.secret):
		return t.rotatable == 0 || now.Sub(t.since) < t.rotatable
	default:
		return t.old != "" && same(secret, t.old) && now.Sub(t.since) < tokenOverlap
	}
}

func rotateToken(s *Server, _ string, _ []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.token
	if t.rotatable == 0 {
		return nil, bad("Token rotation is not enabled for this token")
	}
	now := s.options.Now()
	t.secret, t.old, t.since = rand.Text(), t.secret, now
	return api.RotateTokenResponse{RawSecret: t.secret, CreatedAt: now.Unix(),
		RotationPeriodMinutes: int64(t.rotatable / time.Minute)}, nil
}
