package policy

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

// FuzzPath: a path that is accepted has one meaning for all of these readers, and what is sent
// for it has the same one.
func FuzzPath(f *testing.F) {
	for _, s := range []string{
		"/", "/a/b", "/a//b", "/a/./b", "/a/../b", "/a;x=1/b", "/a%2fb", "/a%2e%2e/b", "/%2e%2e/b", "/a\\..\\b",
		"/a%5c..%5cb",
		"/a%00b", "/a%252e", "/a/b/", "/a b", "/é", "/%C3%A9", "/a?b", "/a#b", "/..;/b", "/a%3b/b", "/a%09/b",
		"/%uff0e/b",
		"/%c0%ae/b", "/a+b", "/.a/b", "/a./b", "/...", "/%20/b", "/a/%2E./b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		segments, refused := parsePath(raw)
		if refused != "" {
			return
		}
		decided := target{segments: segments}
		want := decided.path()
		for name, read := range map[string]func(string) (string, bool){
			"Go": asGo, "nginx": asNginx, "a server with path parameters": asServlet, "a browser": asBrowser,
			"a server that decodes twice": twice,
		} {
			if got, ok := read(raw); !ok || got != want {
				t.Errorf("%q is accepted as %q, but %s reads %q (%v)", raw, want, name, got, ok)
			}
		}
		sent, _ := decided.encode()
		again, refused := parsePath(sent)
		if refused != "" || (target{segments: again}).path() != want {
			t.Errorf("%q is sent as %q, which is read as %q (%s)", raw, sent, again, refused)
		}
	})
}

// FuzzQuery: an accepted query has the same pairs for Go, and so has what is sent.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "a=b", "a=b&a=c", "a", "a=b;c=d", "%61=b", "a=%26b=c", "a=b#c", "a[b]=c", "a=+",
		"=", "&", "a=%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		pairs, refused := parseQuery(raw)
		if refused != "" {
			return
		}
		_, sent := target{query: pairs}.encode()
		for _, text := range []string{raw, sent} {
			got, err := url.ParseQuery(text)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			want := url.Values{}
			for _, p := range pairs {
				want.Add(p.key, p.value)
			}
			if got.Encode() != want.Encode() {
				t.Errorf("%q is read as %v, want %v", text, got, want)
			}
		}
	})
}

func asGo(raw string) (string, bool) {
	u, err := url.ParseRequestURI(raw)
	if err != nil || u.RawQuery != "" {
		return "", false
	}
	if u.Path == "" {
		return "", false
	}
	return path.Clean(u.Path), path.Clean(u.Path) == u.Path
}

// asNginx reads a path as ngx_http_parse_complex_uri does: it decodes first, merges slashes, and
// resolves dot segments of the decoded text.
func asNginx(raw string) (string, bool) {
	raw, _, _ = strings.Cut(raw, "#")
	raw, _, _ = strings.Cut(raw, "?")
	text, ok := unescape(raw)
	if !ok || strings.ContainsRune(text, 0) {
		return "", false
	}
	var out []string
	parts := strings.Split(text, "/")
	for i, s := range parts {
		switch {
		case s == "" && i < len(parts)-1, s == ".":
		case s == "..":
			if len(out) == 0 {
				return "", false
			}
			out = out[:len(out)-1]
		default:
			out = append(out, s)
		}
	}
	return "/" + strings.Join(out, "/"), true
}

// asServlet removes path parameters before it decodes, and takes backslashes for slashes.
func asServlet(raw string) (string, bool) {
	parts := strings.Split(raw, "/")
	for i, s := range parts {
		parts[i], _, _ = strings.Cut(s, ";")
	}
	text, ok := unescape(strings.Join(parts, "/"))
	for s := range strings.SplitSeq(text, "/") {
		if cut, _, _ := strings.Cut(s, ";"); cut != s {
			return cut, false
		}
	}
	return path.Clean(strings.ReplaceAll(text, `\`, "/")), ok
}

// asBrowser removes tabs and line ends, and takes %2e for a dot, as the URL standard does.
func asBrowser(raw string) (string, bool) {
	raw = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/", "%2e", ".", "%2E", ".").Replace(raw)
	text, ok := unescape(raw)
	return path.Clean(text), ok
}

func twice(raw string) (string, bool) {
	once, ok := unescape(raw)
	if !ok {
		return "", false
	}
	text, ok := unescape(once)
	return path.Clean(text), ok
}

func unescape(s string) (string, bool) {
	out, err := url.PathUnescape(s)
	return out, err == nil
}
