package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // ES384, ES512
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"

	"github.com/pipe-engine/pipe/engine/codec"
)

// claims are those of a JSON Web Token.
type claims map[string]any

// signer of a token: its algorithm, and the signature of a text.
type jwtKey struct {
	algorithm string
	id        string // kid, "" for none
	sign      func(text []byte) ([]byte, error)
}

// token is the compact form of a JSON Web Token.
func (k jwtKey) token(c claims) (string, error) {
	header := map[string]any{"alg": k.algorithm, "typ": "JWT"}
	if k.id != "" {
		header["kid"] = k.id
	}
	head, err := codec.Marshal(header)
	if err != nil {
		return "", err
	}
	body, err := codec.Marshal(c)
	if err != nil {
		return "", err
	}
	text := encode(head) + "." + encode(body)
	signature, err := k.sign([]byte(text))
	if err != nil {
		return "", err
	}
	return text + "." + encode(signature), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode64(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }

// hs256 is the key of a shared secret.
func hs256(secret []byte) jwtKey {
	return jwtKey{algorithm: "HS256", sign: func(text []byte) ([]byte, error) {
		mac := hmac.New(sha256.New, secret)
		mac.Write(text)
		return mac.Sum(nil), nil
	}}
}

// errNoKey is quoted by no error of the library, whose text may hold a part of the key.
var errNoKey = errors.New("it is not the PEM of a private key")

// parseKey reads a PEM of an RSA, elliptic curve or Ed25519 key.
func parseKey(text, id string) (jwtKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return jwtKey{}, errNoKey
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if rsaKey, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			key = rsaKey
		} else if ecKey, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			key = ecKey
		} else {
			return jwtKey{}, errNoKey
		}
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return jwtKey{"RS256", id, func(text []byte) ([]byte, error) {
			sum := sha256.Sum256(text)
			return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		}}, nil
	case ed25519.PrivateKey:
		return jwtKey{"EdDSA", id, func(text []byte) ([]byte, error) { return ed25519.Sign(key, text), nil }}, nil
	case *ecdsa.PrivateKey:
		return ecdsaKey(key, id)
	}
	return jwtKey{}, errNoKey
}

func ecdsaKey(key *ecdsa.PrivateKey, id string) (jwtKey, error) {
	algorithm, hash := "", crypto.SHA256
	switch key.Curve.Params().BitSize {
	case 256:
		algorithm = "ES256"
	case 384:
		algorithm, hash = "ES384", crypto.SHA384
	case 521:
		algorithm, hash = "ES512", crypto.SHA512
	default:
		return jwtKey{}, errors.New("its curve is not P-256, P-384 or P-521")
	}
	size := (key.Curve.Params().BitSize + 7) / 8
	return jwtKey{algorithm, id, func(text []byte) ([]byte, error) {
		h := hash.New()
		h.Write(text)
		r, s, err := ecdsa.Sign(rand.Reader, key, h.Sum(nil))
		if err != nil {
			return nil, err
		}
		return append(padded(r, size), padded(s, size)...), nil
	}}, nil
}

func padded(n *big.Int, size int) []byte { return n.FillBytes(make([]byte, size)) }

// randomID is the jti of a token.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
