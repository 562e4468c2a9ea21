package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/pipe-engine/pipe/engine/fault"
)

// SignatureHeader is the header of a webhook with the signature of its body, as GitHub sends it.
const SignatureHeader = "X-Hub-Signature-256"

// leastSecret is the minimum length of the secret of webhooks in bytes.
const leastSecret = 20

// Webhooks checks who sends a webhook.
type Webhooks struct{ path string }

// OpenWebhooks returns the Webhooks whose secret is in the file at path. The file is read again
// for each webhook. OpenWebhooks returns a *fault.StateError when it cannot be used.
func OpenWebhooks(path string) (*Webhooks, error) {
	h := &Webhooks{path}
	_, err := h.secret()
	return h, err
}

func (h *Webhooks) secret() (string, error) {
	secret, err := ReadSecret(h.path)
	if err == nil && len(secret) < leastSecret {
		err = &fault.StateError{Err: fmt.Errorf("the secret in %s is shorter than %d characters", h.path, leastSecret),
			Remedy: "write a random one: openssl rand -hex 32"}
	}
	return secret, err
}

// Signed reports whether header, that of SignatureHeader, is a signature of the body with the
// secret. It reads the body in pieces, and not at all when no body has such a signature. It returns
// the errors of the body.
func (h *Webhooks) Signed(header string, body io.Reader) (bool, error) {
	text, is := strings.CutPrefix(header, "sha256=")
	sum, err := hex.DecodeString(text)
	if !is || err != nil || len(sum) != sha256.Size {
		return false, nil
	}
	secret, err := h.secret()
	if err != nil {
		return false, err
	}
	m := hmac.New(sha256.New, []byte(secret))
	if _, err := io.Copy(m, body); err != nil {
		return false, err
	}
	return hmac.Equal(sum, m.Sum(nil)), nil
}
