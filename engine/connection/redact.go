package connection

import (
	"cmp"
	"encoding/base64"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
)

const (
	redacted = "[redacted]"
	// shortest is the length below which a text is no secret but a word, such
	// as a header that says "true"; replacing it would garble every output.
	shortest = 6
)

// Redactor takes secrets out of texts (invariant 6). The zero value knows none.
// It is safe for concurrent use.
type Redactor struct {
	mu       sync.RWMutex
	forms    map[string]bool
	replacer *strings.Replacer
}

// Add makes secrets known, in every form they may be echoed in: plain, and
// escaped for URLs, JSON, Go, HTML, or base64, alone or inside of a longer
// text, and base64 that is escaped for URLs or JSON. Texts shorter than 6 bytes are passed over.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := len(r.forms)
	for _, s := range secrets {
		for _, form := range formsOf(s) {
			if r.forms == nil {
				r.forms = map[string]bool{}
			}
			r.forms[form] = true
		}
	}
	if len(r.forms) == known {
		return
	}
	pairs := make([]string, 0, 2*len(r.forms))
	for _, form := range r.longestFirst() {
		pairs = append(pairs, form, redacted)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// Clean is s with each known secret replaced by [redacted].
func (r *Redactor) Clean(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.replacer == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// longestFirst makes the form that holds another be replaced first.
func (r *Redactor) longestFirst() []string {
	forms := make([]string, 0, len(r.forms))
	for form := range r.forms {
		forms = append(forms, form)
	}
	slices.SortFunc(forms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return forms
}

func formsOf(secret string) []string {
	secret = strings.TrimSpace(secret)
	if len(secret) < shortest {
		return nil
	}
	json := inner(string(codec.Quote(nil, secret)))
	forms := []string{secret, json, strings.ReplaceAll(json, "/", `\/`), jsonForHTML.Replace(json), inner(strconv.Quote(secret)), inner(strconv.QuoteToASCII(secret)), html.EscapeString(secret)}
	for _, escaped := range forms { // a message that has it, in JSON
		forms = append(forms, inner(string(codec.Quote(nil, escaped))))
	}
	for _, escaped := range []string{url.QueryEscape(secret), url.PathEscape(secret)} {
		forms = append(forms, escaped, lowerEscapes(escaped))
	}
	encoded := []string{base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret))}
	for before := range 3 {
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded = append(encoded, base64Within(e, secret, before))
		}
	}
	for _, b := range encoded { // which may be escaped in its turn
		escaped := url.QueryEscape(b)
		forms = append(forms, b, escaped, lowerEscapes(escaped), strings.ReplaceAll(b, "/", `\/`))
	}
	return forms
}

// inner is what stands between quotes.
func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

// jsonForHTML escapes as encoders do that make JSON safe inside of HTML.
var jsonForHTML = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`)

// base64Within is the part that is the same whatever stands around the secret,
// when a number of bytes that leaves the rest `before` by three goes ahead.
func base64Within(e *base64.Encoding, secret string, before int) string {
	all := e.EncodeToString(append(make([]byte, before), secret...))
	return all[(before*8+5)/6 : (before+len(secret))*8/6]
}

// lowerEscapes writes the hexadecimal digits of percent escapes in lower case.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(s[i+1:i+3]))
			i += 2
		}
	}
	return string(b)
}
