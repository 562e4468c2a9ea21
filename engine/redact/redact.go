package redact

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

const (
	redacted = "[redacted]"
	// shortest is the length below which a text is no secret but a word, such
	// as a header that says "true"; replacing it would garble every output.
	shortest = 6
)

// Redactor takes secrets out of texts (invariant 6). The zero value knows none.
// It is safe for concurrent use.
//
// A secret is found as it is, in hexadecimal, in base64 of either alphabet,
// alone or inside of a longer text; each of these also escaped for URLs, HTML,
// JSON or Go, in whole or in part, up to three times over, and wrapped to
// lines. Of a secret of 12 bytes or more any 12 consecutive bytes of such a
// form are found; a shorter one is found as a whole. Cleaning takes time linear
// in the text.
type Redactor struct {
	mu    sync.RWMutex
	known map[string]bool
	table *table // replaced, never changed
}

// Add makes secrets known. Texts shorter than 6 bytes are passed over.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.known)
	for _, s := range secrets {
		if s = strings.TrimSpace(s); len(s) < shortest {
			continue
		}
		if r.known == nil {
			r.known = map[string]bool{}
		}
		r.known[s] = true
	}
	if len(r.known) > before {
		r.table = newTable(slices.Sorted(maps.Keys(r.known)))
	}
}

// Clean is s with each known secret replaced by [redacted].
func (r *Redactor) Clean(s string) string {
	spans := r.find(s)
	if len(spans) == 0 {
		return s
	}
	var b strings.Builder
	at := 0
	for _, found := range spans {
		b.WriteString(s[at:found.from])
		b.WriteString(redacted)
		at = found.to
	}
	b.WriteString(s[at:])
	return b.String()
}

// span is a part of a text.
type span struct{ from, to int }

// find returns where secrets are in s, in order and apart from each other.
func (r *Redactor) find(s string) []span {
	r.mu.RLock()
	t := r.table
	r.mu.RUnlock()
	if t == nil {
		return nil
	}
	return t.find(s)
}
