package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// SignedJWT is a token that is signed here with a secret that the server has too.
type SignedJWT struct {
	Secret   config.Secret   `yaml:"secret" required:"true" doc:"The shared secret, in base64. A ${file:PATH} is read again when it changes, and after a 401."`
	Subject  string          `yaml:"subject" required:"true" doc:"The claim sub."`
	Issuer   string          `yaml:"issuer" doc:"The claim iss; empty leaves it out."`
	Audience string          `yaml:"audience" doc:"The claim aud; empty leaves it out."`
	Lifetime config.Duration `yaml:"lifetime" default:"1h" min:"1m" max:"24h" doc:"How long a token is valid."`
}

var (
	_ scheme           = (*SignedJWT)(nil)
	_ config.Validator = (*SignedJWT)(nil)
)

// Validate reports a secret that is not base64.
func (j *SignedJWT) Validate(report func(field, code, message, hint string)) {
	if err := checkBase64(j.Secret); err != nil && j.Secret.IsSet() {
		report("secret", codeConnection, "the secret is not base64", fault.RemedyOf(err))
	}
}

func (j *SignedJWT) headers() []string { return []string{authorization} }

func (j *SignedJWT) authorizer(field string, s Settings) (Authorizer, error) {
	secret, err := newWatched(field+".secret", j.Secret, checkBase64, s)
	if err != nil {
		return nil, err
	}
	a := &signedJWT{secret: secret}
	a.cached = newCached(s.Now, func(ctx context.Context) (credential, error) {
		text, revision := secret.value(ctx)
		key, err := decodeBase64(text)
		if err != nil {
			return credential{}, err
		}
		now := s.Now()
		expires := now.Add(time.Duration(j.Lifetime))
		c := claims{"sub": j.Subject, "iat": now.Unix(), "exp": expires.Unix()}
		if j.Issuer != "" {
			c["iss"] = j.Issuer
		}
		if j.Audience != "" {
			c["aud"] = j.Audience
		}
		token, err := hs256(key).token(c)
		s.Redactor.Add(token)
		a.used.Store(int64(revision))
		return credential{token, now, expires}, err
	})
	return a, nil
}

// signedJWT signs a token and keeps it until it expires or the secret changes.
type signedJWT struct {
	*cached
	secret *watched
	used   atomic.Int64 // revision of the secret that the token is signed with
}

// Authorize writes the token.
func (a *signedJWT) Authorize(ctx context.Context, r *http.Request, _ []byte) (int, error) {
	if _, now := a.secret.value(ctx); int64(now) != a.used.Load() {
		a.drop()
	}
	token, revision, err := a.get(ctx)
	if err == nil {
		r.Header[authorization] = []string{"Bearer " + token}
	}
	return revision, err
}

// Renew signs anew when the secret's file has another secret: the same one would be
// refused again.
func (a *signedJWT) Renew(ctx context.Context, revision int) (bool, error) {
	if _, now := a.held(); now != revision {
		return true, nil
	}
	if changed, err := a.secret.renew(ctx, int(a.used.Load())); err != nil || !changed {
		return false, err
	}
	return a.renew(ctx, revision)
}

var errNotBase64 = fault.Errorf(fault.Fatal, "write the secret as it is in the server's configuration",
	"it is not base64")

func checkBase64(s config.Secret) error {
	_, err := decodeBase64(s.Reveal())
	return err
}

// decodeBase64 takes either alphabet, with padding or without.
func decodeBase64(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err == nil && len(b) == 0 {
		err = errors.New("empty")
	}
	if err != nil {
		return nil, errNotBase64
	}
	return b, nil
}
