package sandbox

import (
	"compress/gzip"
	"net/http"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
)

// body is an answer under construction: one buffer, so a page of raw entities costs one copy
// and one write.
type body struct{ bytes []byte }

var bodies = sync.Pool{New: func() any { return new(body) }}

func newBody() *body {
	b := bodies.Get().(*body)
	b.bytes = b.bytes[:0]
	return b
}

func (b *body) free() { bodies.Put(b) }

// list opens the answer with its items; nil is written as null.
func (b *body) list(items [][]byte) {
	b.bytes = append(b.bytes, `{"items":[`...)
	for i, item := range items {
		if i > 0 {
			b.bytes = append(b.bytes, ',')
		}
		if item == nil {
			item = []byte("null")
		}
		b.bytes = append(b.bytes, item...)
	}
	b.bytes = append(b.bytes, ']')
}

func (b *body) link(name, cursor string) {
	if cursor != "" {
		b.bytes = append(codec.Quote(b.bytes, name), ':')
		b.bytes = codec.Quote(b.bytes, cursor)
	}
}

var compressors = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil { // only for a level that does not exist
		panic(err)
	}
	return z
}}

// write sends the answer, compressed if that is accepted.
func (b *body) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", contentJSON)
	h.Set("Vary", "Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		_, _ = w.Write(b.bytes)
		return
	}
	h.Set("Content-Encoding", "gzip")
	z := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	z.Reset(w)
	_, _ = z.Write(b.bytes)
	_ = z.Close()
}
