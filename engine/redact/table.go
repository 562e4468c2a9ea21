package redact

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

// window is how many consecutive bytes of a secret are recognised.
const window = 12

// table finds the forms of a set of secrets in a text. Filters of bits say fast
// where nothing can be.
type table struct {
	windows      map[[window]byte]bool
	windowFilter filter
	whole        map[[shortest]byte][]string // forms of short secrets, by their beginning
	wholeFilter  filter
	longest      int // of those
}

func newTable(secrets []string) *table {
	t := &table{windows: map[[window]byte]bool{}, whole: map[[shortest]byte][]string{}}
	for _, s := range secrets {
		for _, form := range formsOf(s) {
			if len(s) < window {
				t.addWhole(form)
				continue
			}
			for i := range len(form) - window + 1 {
				t.windows[[window]byte([]byte(form[i:i+window]))] = true
			}
		}
	}
	t.windowFilter, t.wholeFilter = newFilter(len(t.windows)), newFilter(len(t.whole))
	for w := range t.windows {
		t.windowFilter.set(windowHash(w[:]))
	}
	for w := range t.whole {
		t.wholeFilter.set(wholeHash(w[:]))
	}
	return t
}

func (t *table) addWhole(form string) {
	key := [shortest]byte([]byte(form[:shortest]))
	t.longest = max(t.longest, len(form))
	if !slices.Contains(t.whole[key], form) {
		t.whole[key] = append(t.whole[key], form)
	}
}

// formsOf are the forms of a secret that no decoding of a text undoes, and what
// decoding makes of those.
func formsOf(secret string) []string {
	forms := []string{secret, strings.ReplaceAll(secret, " ", "+"), hex.EncodeToString([]byte(secret)),
		strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding,
		base64.RawURLEncoding} {
		forms = append(forms, e.EncodeToString([]byte(secret)))
	}
	for before := range 3 {
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, base64Within(e, secret, before))
		}
	}
	for level, s := 0, secret; level < levels; level++ {
		v, changed, _ := decode(&view{text: []byte(s)})
		if s = string(v.text); !changed || len(s) < shortest {
			break
		}
		forms = append(forms, s)
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// base64Within is the part that is the same whatever is around the secret, when
// a number of bytes that leaves the rest `before` by three goes ahead.
func base64Within(e *base64.Encoding, secret string, before int) string {
	all := e.EncodeToString(append(make([]byte, before), secret...))
	return all[(before*8+5)/6 : (before+len(secret))*8/6]
}

// levels is how often a text is decoded.
const levels = 3

// find returns where forms are in s, in order and apart from each other.
func (t *table) find(s string) []span {
	v := &view{text: []byte(s)}
	spans := t.match(v, nil)
	first, changed, more := decode(v)
	v = first
	for level := 0; changed && level < levels; level++ {
		spans = t.match(v, spans)
		if !more {
			break
		}
		v, changed, more = decode(v)
	}
	if len(spans) == 0 {
		return nil
	}
	for i := range spans { // an escape is replaced whole: JSON stays JSON
		spans[i] = first.around(spans[i])
		for spans[i].to > spans[i].from+1 && strings.IndexByte(" \r\n", s[spans[i].to-1]) >= 0 {
			spans[i].to-- // the line still ends
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	out := spans[:1]
	for _, next := range spans[1:] {
		if last := &out[len(out)-1]; next.from <= last.to {
			last.to = max(last.to, next.to)
		} else {
			out = append(out, next)
		}
	}
	return out
}

// match appends where forms are in a view, as parts of the text itself.
func (t *table) match(v *view, spans []span) []span {
	s := v.text
	if len(t.windows) > 0 {
		first, last := -1, 0 // of a run of windows
		for i := range v.news(window, window) {
			if !t.windowFilter.has(windowHash(s[i:])) || !t.windows[[window]byte(s[i:i+window])] {
				continue
			}
			switch {
			case first < 0:
				first = i
			case i > last+window:
				spans, first = append(spans, v.span(first, last+window)), i
			}
			last = i
		}
		if first >= 0 {
			spans = append(spans, v.span(first, last+window))
		}
	}
	if len(t.whole) > 0 {
		for i := range v.news(shortest, t.longest) {
			if !t.wholeFilter.has(wholeHash(s[i:])) {
				continue
			}
			for _, form := range t.whole[[shortest]byte(s[i:i+shortest])] {
				if bytes.HasPrefix(s[i:], []byte(form)) && !v.broken(i, i+len(form)) {
					spans = append(spans, v.span(i, i+len(form)))
				}
			}
		}
	}
	return spans
}

// filter is a set of hashes that may report one that was not set.
type filter struct {
	bits  []uint64
	shift int
}

func newFilter(n int) filter {
	size := 10 // the logarithm of the number of bits
	for 1<<size < 32*n {
		size++
	}
	return filter{bits: make([]uint64, 1<<size/64), shift: 64 - size}
}

func (f filter) set(h uint64)      { h >>= f.shift; f.bits[h/64] |= 1 << (h % 64) }
func (f filter) has(h uint64) bool { h >>= f.shift; return f.bits[h/64]&(1<<(h%64)) != 0 }

const (
	oddA = 0x9e3779b97f4a7c15
	oddB = 0xd6e8feb86659fd93
)

func windowHash(s []byte) uint64 {
	return binary.LittleEndian.Uint64(s)*oddA ^ uint64(binary.LittleEndian.Uint32(s[8:]))*oddB
}

func wholeHash(s []byte) uint64 {
	return (uint64(binary.LittleEndian.Uint32(s)) | uint64(binary.LittleEndian.Uint16(s[4:]))<<32) * oddA
}
