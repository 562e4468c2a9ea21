package policy

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// The longest path and query of a request, as they are sent.
const (
	maxPath  = 8 << 10
	maxQuery = 32 << 10
)

// target is the decoded target of a request.
type target struct {
	segments []string
	query    []pair
}

type pair struct{ key, value string }

// parseTarget decodes the target of a request line, a path with an optional query. refused is why
// it is refused; "" when it is not.
func parseTarget(raw string) (t target, refused string) {
	path, query, _ := strings.Cut(raw, "?")
	if t.segments, refused = parsePath(path); refused != "" {
		return target{}, refused
	}
	if t.query, refused = parseQuery(query); refused != "" {
		return target{}, refused
	}
	return t, ""
}

// parsePath decodes a path that all servers read alike.
func parsePath(raw string) (segments []string, refused string) {
	switch {
	case len(raw) > maxPath:
		return nil, "the path is too long"
	case !strings.HasPrefix(raw, "/"):
		return nil, "the path does not start with /"
	case raw == "/":
		return nil, ""
	}
	for _, part := range strings.Split(raw[1:], "/") {
		segment, refused := parseSegment(part)
		if refused != "" {
			return nil, refused
		}
		segments = append(segments, segment)
	}
	return segments, ""
}

func parseSegment(raw string) (segment, refused string) {
	for i := range len(raw) {
		if c := raw[i]; c != '%' && !isPathByte(c) {
			return "", "the path has a character that is not allowed in it"
		}
	}
	segment, err := url.PathUnescape(raw)
	switch {
	case err != nil:
		return "", "the path has an incomplete percent-encoding"
	case !utf8.ValidString(segment):
		return "", "the path is not UTF-8"
	case segment == "":
		return "", "the path has an empty segment"
	case strings.Trim(segment, ". ") == "":
		return "", "the path has a dot segment"
	case encodes(raw, "/.\\;%?#"), strings.ContainsFunc(segment, isControl):
		return "", "the path has a percent-encoding that is not allowed in it"
	}
	return segment, ""
}

// isPathByte reports whether a byte may be in a path as it is: the characters of RFC 3986 without
// the semicolon, after which some servers read parameters.
func isPathByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~!$&'()*+,=:@", c) >= 0
}

// encodes reports whether a valid text has the percent-encoding of one of these bytes.
func encodes(raw, bytes string) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		b, err := url.PathUnescape(raw[i : i+3])
		if err == nil && strings.Contains(bytes, b) {
			return true
		}
		i += 2
	}
	return false
}

// isControl reports whether a rune is a control character of ASCII or Latin-1.
func isControl(r rune) bool { return r < 0x20 || 0x7f <= r && r < 0xa0 }

// parseQuery decodes a query. Its order stays.
func parseQuery(raw string) (query []pair, refused string) {
	if raw == "" {
		return nil, ""
	}
	if len(raw) > maxQuery {
		return nil, "the query is too long"
	}
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c >= 0x7f || c == ';' || c == '#' || c == '\\' {
			return nil, "the query has a character that is not allowed in it"
		}
	}
	for _, part := range strings.Split(raw, "&") {
		k, v, _ := strings.Cut(part, "=")
		key, errKey := url.QueryUnescape(k)
		value, errValue := url.QueryUnescape(v)
		switch {
		case errKey != nil || errValue != nil:
			return nil, "the query has an incomplete percent-encoding"
		case key == "":
			return nil, "the query has an empty key"
		case strings.ContainsRune(key+value, 0) || !utf8.ValidString(key+value):
			return nil, "the query has a NUL or is not UTF-8"
		}
		query = append(query, pair{key, value})
	}
	return query, ""
}

// path returns the decoded path.
func (t target) path() string { return "/" + strings.Join(t.segments, "/") }

// encode writes the target anew.
func (t target) encode() (path, query string) {
	path = (&url.URL{Path: t.path()}).EscapedPath()
	var q strings.Builder
	for i, p := range t.query {
		if i > 0 {
			q.WriteByte('&')
		}
		q.WriteString(url.QueryEscape(p.key) + "=" + url.QueryEscape(p.value))
	}
	return path, q.String()
}

// keys returns the keys of the query, each once, in their order.
func (t target) keys() (out []string) {
	seen := map[string]bool{}
	for _, p := range t.query {
		if !seen[p.key] {
			seen[p.key] = true
			out = append(out, p.key)
		}
	}
	return out
}
