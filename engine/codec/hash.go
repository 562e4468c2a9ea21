package codec

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"sync"
)

// Hash returns a stable fingerprint of a text. It does not protect a secret that can be
// guessed.
func Hash(text []byte) uint64 {
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}

// HashBoth returns the Hash of the first n bytes of a text and that of the whole text. It takes
// the time of a single Hash.
func HashBoth(text []byte, n int) (first, whole uint64) {
	h := hashers.Get().(*hasher)
	defer hashers.Put(h)
	h.Reset()
	h.Write(text[:n])
	h.state, _ = h.Hash.(encoding.BinaryAppender).AppendBinary(h.state[:0]) // never fails for SHA-256
	h.sum = h.Sum(h.sum[:0])
	first = binary.BigEndian.Uint64(h.sum)
	if err := h.Hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(h.state); err != nil {
		return first, Hash(text)
	}
	h.Write(text[n:])
	h.sum = h.Sum(h.sum[:0])
	return first, binary.BigEndian.Uint64(h.sum)
}

type hasher struct {
	hash.Hash
	state, sum []byte
}

var hashers = sync.Pool{New: func() any { return &hasher{Hash: sha256.New()} }}
