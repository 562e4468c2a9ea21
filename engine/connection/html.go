package connection

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
)

const maxTitle = 80

var (
	titleTag  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)
	pageStart = regexp.MustCompile(`(?is)^\s*(<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(!doctype\s+html|html)\b`)
)

// htmlPage reports whether an answer is an HTML page, and returns its title.
func htmlPage(contentType string, body []byte) (title string, ok bool) {
	start := body[:min(len(body), maxErrorBody)]
	contentType = strings.ToLower(contentType)
	if !strings.Contains(contentType, "text/html") && !strings.Contains(contentType, "application/xhtml") {
		start = bytes.TrimPrefix(start, []byte("\xef\xbb\xbf"))
		if len(start) == 0 || isJSON(contentType) || !pageStart.Match(start) {
			return "", false
		}
	}
	if m := titleTag.FindSubmatch(start); m != nil {
		title = html.UnescapeString(string(m[1]))
	}
	return title, true
}

// pageName returns the name of an HTML page in errors.
func (c *Connection) pageName(title string) string {
	if title = c.excerpt(title, maxTitle); title == "" {
		return "an HTML page"
	}
	return fmt.Sprintf("an HTML page (title %q)", title)
}
