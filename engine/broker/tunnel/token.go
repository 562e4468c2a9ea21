package tunnel

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"regexp"
)

// NewToken returns a new token of a pipeline or an agent.
func NewToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// ForHub returns what a pipeline with a token sends to the hub.
func ForHub(token string) string { return derive(token, "pipe broker: hub") }

// ForAgent returns what a pipeline with a token sends to the agent.
func ForAgent(token string) string { return derive(token, "pipe broker: agent") }

func derive(token, purpose string) string {
	h := hmac.New(sha256.New, []byte(token))
	h.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Hash returns what a file has of a token that is sent: its SHA-256 in hex.
func Hash(sent string) string {
	sum := sha256.Sum256([]byte(sent))
	return hex.EncodeToString(sum[:])
}

// Matches reports whether a hash of a file is that of a token that was sent.
func Matches(hash, sent string) bool {
	return hash != "" && sent != "" && subtle.ConstantTimeCompare([]byte(hash), []byte(Hash(sent))) == 1
}

// IsHash reports whether a text may be the result of Hash.
func IsHash(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == sha256.Size && hex.EncodeToString(b) == text
}

// NameHint says what IsName accepts.
const NameHint = "use letters, digits, dots, hyphens and underscores, beginning with a letter or a digit"

var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// IsName reports whether a text may be the name of an agent, which is a part of an address.
func IsName(text string) bool { return name.MatchString(text) }
