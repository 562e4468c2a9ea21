package payload

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

// keySize is the size of a key in bytes: AES-256.
const keySize = 32

// key is a key with its ID.
type key struct {
	id   string
	aead cipher.AEAD
}

// NewKey returns a new random key as text, for payload_key.
func NewKey() string {
	b := make([]byte, keySize)
	rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// Keys are the keys of a fleet. Everything is encrypted with the first; all of them decrypt.
type Keys struct{ all []key }

// ParseKeys returns the keys that texts name, the current one first. A text is 32 bytes in base64.
// The error does not contain the text.
func ParseKeys(texts ...string) (*Keys, error) {
	if len(texts) == 0 {
		return nil, errors.New("there is no key")
	}
	keys := &Keys{}
	for i, text := range texts {
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(b) != keySize {
			return nil, fmt.Errorf("key %d is not %d bytes in base64", i+1, keySize)
		}
		block, err := aes.NewCipher(b)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		id := idOf(b)
		if keys.find(id) != nil {
			return nil, fmt.Errorf("key %d is there twice", i+1)
		}
		keys.all = append(keys.all, key{id, aead})
	}
	return keys, nil
}

// ID returns the ID of the key that encrypts: a short hash, which Temporal stores next to the data.
func (k *Keys) ID() string { return k.all[0].id }

// Current reports whether a payload is encrypted with the current key.
func (k *Keys) Current(p *commonpb.Payload) bool {
	return string(p.GetMetadata()[converter.MetadataEncoding]) == encoding &&
		string(p.GetMetadata()[keyID]) == k.ID()
}

// idOf returns the ID of a key. It is a hash with a prefix of its own, so it reveals nothing about
// the key and about other hashes of it.
func idOf(b []byte) string {
	sum := sha256.Sum256(append([]byte("pipe payload key\x00"), b...))
	return hex.EncodeToString(sum[:8])
}

func (k *Keys) find(id string) *key {
	for i := range k.all {
		if k.all[i].id == id {
			return &k.all[i]
		}
	}
	return nil
}
