package postgres

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// The kinds of rows. A row of one kind does not verify as one of another.
const (
	macPlace = "place"
	macHold  = "hold"
	macFile  = "file"
	macChunk = "chunk"
)

// evidence makes the HMAC-SHA-256 of rows. Each covers a version of this format, the kind of the row, the
// name of the place, and
//
//   - of a place its version and the list of its files, with the HMACs of their rows
//   - of a hold its number and whether it was released
//   - of a file its name, generation, size, number of chunks and time
//   - of a chunk the name and the generation of its file, its number and its data
//
// The number that the table gives a place is not covered.
type evidence struct{ key []byte }

// macWriter collects the fields of a row. Each is preceded by its length.
type macWriter struct {
	h   hash.Hash
	num [8]byte
}

// of starts the HMAC of a row of a kind.
func (e evidence) of(kind, place string) *macWriter {
	w := &macWriter{h: hmac.New(sha256.New, e.key)}
	return w.text("pipe-state-1").text(kind).text(place)
}

func (w *macWriter) text(s string) *macWriter { return w.bytes([]byte(s)) }

func (w *macWriter) number(n int64) *macWriter {
	binary.BigEndian.PutUint64(w.num[:], uint64(n))
	w.h.Write(w.num[:])
	return w
}

func (w *macWriter) bytes(b []byte) *macWriter {
	w.number(int64(len(b)))
	w.h.Write(b)
	return w
}

func (w *macWriter) flag(b bool) *macWriter {
	if b {
		return w.number(1)
	}
	return w.number(0)
}

func (w *macWriter) sum() []byte { return w.h.Sum(nil) }

// is reports whether the HMAC is the one of a row.
func (w *macWriter) is(mac []byte) bool { return hmac.Equal(w.sum(), mac) }
