package techdocs

import (
	"strings"
	"unicode/utf8"
)

// Page is a page of a site.
type Page struct {
	// Path is the address below that of the site; "" for the first page.
	Path  string
	Title string
	// Text is all text of the page with its headings, without navigation.
	Text     string
	Sections []Section
}

// Section is a heading of a page. Anchor is its id.
type Section struct{ Title, Anchor string }

// Limits bound a site.
type Limits struct {
	Pages int
	// Text is the maximum size of the text of a page, in bytes; the rest is cut.
	Text int
}

// maxSections is how many headings of a page are kept.
const maxSections = 500

// text collects text up to a limit.
type text struct {
	strings.Builder
	limit int
}

// block writes a paragraph, after an empty line.
func (t *text) block(s string) {
	if s = strings.TrimSpace(s); s == "" || t.Len() >= t.limit {
		return
	}
	if t.Len() > 0 {
		t.WriteString("\n\n")
	}
	t.WriteString(cut(s, t.limit-t.Len()))
}

// cut returns at most n bytes of a text, without a broken character at its end.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Breadcrumbs returns the folders of a path, such as "guides" for guides/start/.
func Breadcrumbs(path string) []string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	return parts[:len(parts)-1]
}

// clean returns the path of a location; ok is false when it leaves the site.
func clean(location string) (path, anchor string, ok bool) {
	path, anchor, _ = strings.Cut(location, "#")
	path, _, _ = strings.Cut(path, "?")
	path = strings.TrimPrefix(strings.TrimPrefix(path, "./"), "/")
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." || part == "." {
			return "", "", false
		}
	}
	return path, anchor, !strings.Contains(path, "//") && !strings.Contains(path, ":/") && path != "None"
}
