package backstage

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// unknownPlaceholder is the first placeholder of a page template that means
// nothing, "" when there is none.
func unknownPlaceholder(template string) string {
	for _, p := range placeholder.FindAllString(template, -1) {
		switch p {
		case "{ui_url}", "{kind}", "{namespace}", "{name}":
		default:
			return p
		}
	}
	return ""
}

// links makes the addresses of entities' pages.
type links struct{ parts []string }

// newLinks splits a template at its placeholders; the UI's address is put in.
func newLinks(uiURL, template string) links {
	template = strings.ReplaceAll(template, "{ui_url}", uiURL)
	var l links
	from := 0
	for _, at := range placeholder.FindAllStringIndex(template, -1) {
		l.parts = append(l.parts, template[from:at[0]], template[at[0]:at[1]])
		from = at[1]
	}
	l.parts = append(l.parts, template[from:])
	return l
}

// page is the address of an entity's page, "" when the ref is none.
func (l links) page(of string) string {
	kind, namespace, name, ok := ref.Split(strings.ToLower(of))
	if !ok {
		return ""
	}
	var b strings.Builder
	b.Grow(2*len(of) + len(l.parts[0]) + 16)
	for _, part := range l.parts {
		switch part {
		case "{kind}":
			part = url.PathEscape(kind)
		case "{namespace}":
			part = url.PathEscape(namespace)
		case "{name}":
			part = url.PathEscape(name)
		}
		b.WriteString(part)
	}
	return b.String()
}
