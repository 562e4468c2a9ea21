package payload

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// sealed is what an encrypted text begins with.
const sealed = "pipe-sealed:"

// Seal encrypts a text for a field of Temporal that no converter encrypts, such as a note.
func (k *Keys) Seal(text string) string {
	one := k.all[0]
	nonce := make([]byte, one.aead.NonceSize())
	rand.Read(nonce) // never fails
	data := one.aead.Seal(nonce, nonce, []byte(text), additional("text "+one.id))
	return sealed + one.id + ":" + base64.RawStdEncoding.EncodeToString(data)
}

// Reseal returns a text of Seal that an earlier key sealed, sealed with the current key. Any other text
// is returned as it is.
func (k *Keys) Reseal(text string) string {
	if plain, own := k.Open(text); own && !strings.HasPrefix(text, sealed+k.ID()+":") {
		return k.Seal(plain)
	}
	return text
}

// Open returns the text of Seal; false for another text, and for one of an unknown key.
func (k *Keys) Open(text string) (string, bool) {
	rest, is := strings.CutPrefix(text, sealed)
	id, encoded, two := strings.Cut(rest, ":")
	one := k.find(id)
	data, err := base64.RawStdEncoding.DecodeString(encoded)
	if !is || !two || one == nil || err != nil || len(data) < one.aead.NonceSize() {
		return "", false
	}
	size := one.aead.NonceSize()
	plain, err := one.aead.Open(nil, data[:size], data[size:], additional("text "+id))
	return string(plain), err == nil
}
