package policy

import (
	"net/http"
	"net/url"
	"strings"
)

// The headers that are sent on. Everything else is dropped: credentials and cookies, hop-by-hop
// headers, those by which a proxy names its client, and those by which some servers take another
// method or path.
var (
	requestHeaders = []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Content-Encoding", "If-None-Match",
		"If-Modified-Since", "User-Agent",
	}
	responseHeaders = []string{
		"Content-Type", "Content-Encoding", "Content-Language", "Date", "Etag", "Last-Modified", "Cache-Control",
		"Expires", "Retry-After", "Deprecation", "Sunset", "X-Request-Id",
	}
)

// CleanRequest returns the headers of a request that are sent to a server.
func CleanRequest(h http.Header) http.Header { return pick(h, requestHeaders) }

// CleanResponse returns the headers of an answer that are sent back. base is the address of the
// server: a Location below it becomes a path, and any other one is dropped.
func CleanResponse(h http.Header, base, asked *url.URL) http.Header {
	out := pick(h, responseHeaders)
	if at := h.Get("Location"); at != "" {
		if to, ok := below(base, asked, at); ok {
			out.Set("Location", to)
		}
	}
	return out
}

func pick(h http.Header, names []string) http.Header {
	out := http.Header{}
	for _, name := range names {
		if values := h.Values(name); len(values) > 0 {
			out[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
		}
	}
	return out
}

// below returns the path of a Location below the base address; ok is false when it is elsewhere.
func below(base, asked *url.URL, location string) (path string, ok bool) {
	to, err := asked.Parse(location)
	if err != nil || to.Scheme != base.Scheme || !strings.EqualFold(to.Host, base.Host) || to.User != nil {
		return "", false
	}
	rest, ok := strings.CutPrefix(to.EscapedPath(), strings.TrimSuffix(base.EscapedPath(), "/"))
	if _, refused := parsePath(rest); !ok || refused != "" {
		return "", false
	}
	if to.RawQuery != "" {
		rest += "?" + to.RawQuery
	}
	return rest, true
}
