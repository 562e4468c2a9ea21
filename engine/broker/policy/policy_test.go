package policy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func catalog(t *testing.T) *Policy {
	t.Helper()
	p, err := New(Rules{
		{Method: "GET", Path: "/api/catalog/entities/by-query", Query: []string{"filter", "limit"}},
		{Method: "GET", Path: "/api/catalog/entities/by-name/*/*/*"},
		{Method: "POST", Path: "/api/catalog/entities/by-refs", Query: []string{"filter"}, MaxBody: 100},
		{Method: "GET", Path: "/api/techdocs/static/docs/*/*/*/**"},
		{Method: "GET", Path: "/files/a*b*.json"},
		{Method: "GET", Path: "/"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDecide(t *testing.T) {
	p := catalog(t)
	for _, c := range []struct {
		method, target string
		body           int64
		want           string // the reason; "" when the request is allowed
	}{
		{"GET", "/api/catalog/entities/by-query?filter=kind%3Dapi&filter=a&limit=5", 0, ""},
		{"GET", "/api/catalog/entities/by-query", 0, ""},
		{"GET", "/", 0, ""},
		{"GET", "/api/catalog/entities/by-name/component/default/a%20b", 0, ""},
		{"GET", "/api/catalog/entities/by-name/component/default/a+b,(c)=@:!", 0, ""},
		{"POST", "/api/catalog/entities/by-refs?filter=a", 100, ""},
		{"POST", "/api/catalog/entities/by-refs", -1, ""},
		{"GET", "/api/techdocs/static/docs/default/component/x/a/b/index.html", 0, ""},
		{"GET", "/api/techdocs/static/docs/default/component/x/%C3%A9.html", 0, ""},
		{"GET", "/files/a1b2.json", 0, ""},
		{"GET", "/files/ab.json", 0, ""},

		{"GET", "/files/b.json", 0, "no rule"},
		{"GET", "/files/a1b2.xml", 0, "no rule"},
		{"GET", "/files/abc/d.json", 0, "no rule"},
		{"POST", "/api/catalog/entities/by-refs", 101, "body"},
		{"GET", "/api/catalog/entities/by-query", 1, "body"},
		{"POST", "/api/catalog/entities/by-query", 0, "no rule"},
		{"HEAD", "/api/catalog/entities/by-query", 0, "no rule"},
		{"get", "/api/catalog/entities/by-query", 0, "no rule"},
		{"GET", "/api/catalog/entities/by-query?fields=x", 0, "key"},
		{"GET", "/api/catalog/entities/by-query?filter[]=x", 0, "key"},
		{"GET", "/api/catalog/entities/by-query?Filter=x", 0, "key"},
		{"GET", "/api/catalog/entities/by-query?limit=1&=2", 0, "empty key"},
		{"GET", "/api/catalog/entities/by-query?limit=1&", 0, "empty key"},
		{"GET", "/api/catalog/entities/by-query?limit=1;x=2", 0, "not allowed"},
		{"GET", "/api/catalog/entities/by-query?limit=%zz", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-query?limit=%00", 0, "NUL"},
		{"GET", "/api/catalog/entities/by-query?limit=" + strings.Repeat("1", maxQuery), 0, "too long"},
		{"GET", "/api/catalog/entities/by-name/component/default", 0, "no rule"},
		{"GET", "/api/catalog/entities/by-name/component/default/a/b", 0, "no rule"},
		{"GET", "/api/techdocs/static/docs/default/component/x", 0, "no rule"},
		{"GET", "/api/Catalog/entities/by-query", 0, "no rule"},
		{"GET", "//api/catalog/entities/by-query", 0, "empty segment"},
		{"GET", "/api//catalog/entities/by-query", 0, "empty segment"},
		{"GET", "/api/catalog/entities/by-query/", 0, "empty segment"},
		{"GET", "/api/catalog/entities/by-name/../../entities/by-query", 0, "dot segment"},
		{"GET", "/api/catalog/entities/by-name/component/default/.", 0, "dot segment"},
		{"GET", "/api/catalog/entities/by-name/component/default/..", 0, "dot segment"},
		{"GET", "/api/catalog/entities/by-name/component/default/%2e%2e", 0, "dot segment"},
		{"GET", "/api/catalog/entities/by-name/component/default/.%2E", 0, "dot segment"},
		{"GET", "/api/catalog/entities/by-name/component/default/..%20", 0, "dot segment"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%2eb", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%2fb", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%2Fb", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%5cb", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%00b", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%252fb", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%3bb", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%3fb", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%23b", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%0ab", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%7fb", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%ff", 0, "UTF-8"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a%4", 0, "percent-encoding"},
		{"GET", "/api/catalog/entities/by-name/component/default/a;b", 0, "not allowed"},
		{"GET", `/api/catalog/entities/by-name/component/default/a\b`, 0, "not allowed"},
		{"GET", "/api/catalog/entities/by-name/component/default/a b", 0, "not allowed"},
		{"GET", "/api/catalog/entities/by-name/component/default/a\x00b", 0, "not allowed"},
		{"GET", "/api/catalog/entities/by-name/component/default/é", 0, "not allowed"},
		{"GET", "/api/catalog/entities/by-query#x", 0, "not allowed"},
		{"GET", "http://other/api/catalog/entities/by-query", 0, "start with /"},
		{"GET", "api/catalog/entities/by-query", 0, "start with /"},
		{"GET", "*", 0, "start with /"},
		{"GET", "", 0, "start with /"},
		{"GET", "/" + strings.Repeat("a", maxPath), 0, "too long"},
	} {
		d := p.Decide(c.method, c.target, c.body)
		if d.Allowed != (c.want == "") || !strings.Contains(d.Reason, c.want) {
			t.Errorf("%s %.90q %d: %+v, want %q", c.method, c.target, c.body, d, c.want)
		}
		if !d.Allowed && (d.RawPath != "" || d.RawQuery != "") {
			t.Errorf("%s %.90q: a denied request has a target", c.method, c.target)
		}
	}
}

func TestNothingIsAllowedWithoutRules(t *testing.T) {
	empty, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Policy{nil, {}, empty} {
		if d := p.Decide("GET", "/", 0); d.Allowed || d.Reason == "" {
			t.Errorf("%+v", d)
		}
	}
}

// TestFirstMatchDecides: a later and wider rule for the same path is not read.
func TestFirstMatchDecides(t *testing.T) {
	p, err := New(Rules{{Method: "GET", Path: "/a/b", Query: []string{"x"}}, {Method: "GET", Path: "/a/*",
		Query: []string{"y"}}},
		nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Decide("GET", "/a/b?y=1", 0); d.Allowed || d.Rule != "GET /a/b" {
		t.Errorf("%+v", d)
	}
	if d := p.Decide("GET", "/a/c?y=1", 0); !d.Allowed || d.Rule != "GET /a/*" {
		t.Errorf("%+v", d)
	}
}

func TestTargetIsWrittenAnew(t *testing.T) {
	d := catalog(t).Decide("GET", "/api/catalog/entities/by-query?filter=kind%3dapi&limit=%35&filter=a+b", 0)
	if d.RawPath != "/api/catalog/entities/by-query" || d.RawQuery != "filter=kind%3Dapi&limit=5&filter=a+b" {
		t.Errorf("%+v", d)
	}
}

func TestPresets(t *testing.T) {
	presets := Presets{"items": {{Method: "GET", Path: "/items"}}}
	p, err := New(Rules{{Preset: "items"}, {Method: "GET", Path: "/x"}}, presets)
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Decide("GET", "/items", 0); !d.Allowed || d.Rule != "items: GET /items" {
		t.Errorf("%+v", d)
	}
	if _, err := New(Rules{{Preset: "other"}}, presets); err == nil {
		t.Error("an unknown preset is accepted")
	}
}

func TestRulesThatCannotBeUsed(t *testing.T) {
	for _, r := range []Rule{
		{Preset: "a", Method: "GET"}, {Method: "GET"}, {Path: "/a"}, {Method: "GET", Path: "a"}, {Method: "GET",
			Path: "/a//b"},
		{Method: "GET", Path: "/a/.."}, {Method: "GET", Path: "/a/**/b"}, {Method: "GET", Path: "/a%2fb"},
		{Method: "GET", Path: "/a", Query: []string{"*"}}, {Method: "GET", Path: "/a", MaxBody: maxBody + 1},
		{Method: "GET", Path: "/a", MaxBody: -1}, {Method: "GET", Path: "/a;b"}, {Method: "GET", Path: "/a/"},
	} {
		found := false
		r.Validate(func(_, _, _, _ string) { found = true })
		if _, err := New(Rules{r}, Presets{"a": nil}); !found && err == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
}

func TestCleanRequest(t *testing.T) {
	in := http.Header{}
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded",
		"X-Real-Ip",
		"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Host", "X-Original-Url",
		"X-Rewrite-Url",
		"X-Http-Method-Override", "Expect", "Range", "Origin", "Referer", "Via",
	} {
		in.Set(name, "x")
	}
	in.Set("Accept", "application/json")
	in.Set("User-Agent", "pipe")
	if out := CleanRequest(in); len(out) != 2 || out.Get("Accept") != "application/json" ||
		out.Get("User-Agent") != "pipe" {
		t.Errorf("%v", out)
	}
}

func TestCleanResponse(t *testing.T) {
	base, _ := url.Parse("https://in.example/portal")
	asked, _ := url.Parse("https://in.example/portal/a/b")
	for location, want := range map[string]string{
		"https://in.example/portal/c?d=e": "/c?d=e", "/portal/c": "/c", "c": "/a/c",
		"https://other.example/portal/c": "", "http://in.example/portal/c": "", "/elsewhere": "",
		"//other.example/portal/c":      "",
		"https://u@in.example/portal/c": "", "https://in.example/portalc": "", "/portal/../x": "", ":": "",
	} {
		in := http.Header{"Set-Cookie": {"a=b"}, "Location": {location}, "Content-Type": {"text/plain"},
			"Server":     {"x"},
			"Connection": {"close"}, "Www-Authenticate": {"Negotiate"}, "Etag": {`"1"`}}
		out := CleanResponse(in, base, asked)
		if got := out.Get("Location"); got != want {
			t.Errorf("Location %q becomes %q, want %q", location, got, want)
		}
		out.Del("Location")
		if len(out) != 2 || out.Get("Content-Type") != "text/plain" || out.Get("Etag") == "" {
			t.Errorf("%v", out)
		}
	}
}
