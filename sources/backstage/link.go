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
type links struct {
	uiURL, template string
}

// page is the address of an entity's page, "" when the ref is none.
func (l links) page(of string) string {
	kind, namespace, name, ok := ref.Split(strings.ToLower(of))
	if !ok {
		return ""
	}
	return strings.NewReplacer(
		"{ui_url}", l.uiURL,
		"{kind}", url.PathEscape(kind),
		"{namespace}", url.PathEscape(namespace),
		"{name}", url.PathEscape(name),
	).Replace(l.template)
}
