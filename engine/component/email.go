package component

import (
	"net/url"
	"strings"
	"unicode"
)

// Email returns the address in a text without surrounding spaces, without `mailto:` and without
// the query of a mailto link (`?subject=…`). ok is false when the rest is not a single e-mail
// address. Case is kept.
func Email(text string) (address string, ok bool) {
	address = strings.TrimSpace(text)
	if rest, isLink := cutPrefixFold(address, "mailto:"); isLink {
		rest, _, _ = strings.Cut(rest, "?")
		if plain, err := url.PathUnescape(rest); err == nil {
			rest = plain
		}
		address = strings.TrimSpace(rest)
	}
	local, domain, found := strings.Cut(address, "@")
	ok = found && local != "" && domain != "" && !strings.Contains(domain, "@") &&
		!strings.ContainsFunc(address, notInEmail)
	return address, ok
}

func cutPrefixFold(s, prefix string) (rest string, found bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// notInEmail reports whether an address cannot contain r outside quotes. The characters include
// those of other link schemes and of display names.
func notInEmail(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`()<>[]:;,"\`, r)
}
