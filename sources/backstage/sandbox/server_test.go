package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// call sends a request to the catalog's API and returns the answer's body.
func call(t *testing.T, s *Server, method, path, body string, header ...string) (*http.Response, []byte, error) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL()+"/api/catalog"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, text, err
}

type page struct {
	Items []struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
	} `json:"items"`
	Total int `json:"totalItems"`
	Info  struct {
		Next string `json:"nextCursor"`
		Prev string `json:"prevCursor"`
	} `json:"pageInfo"`
}

func (p page) refs() (refs []string) {
	for _, e := range p.Items {
		refs = append(refs, strings.ToLower(e.Kind+":"+e.Metadata.Namespace+"/"+e.Metadata.Name))
	}
	return refs
}

func get(t *testing.T, s *Server, query string) page {
	t.Helper()
	answer, text, err := call(t, s, "GET", "/entities/by-query?"+query, "")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v %s", query, err, text)
	}
	var p page
	if err := codec.Unmarshal(text, &p); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return p
}

// walk reads all pages and calls between before each one but the first.
func walk(t *testing.T, s *Server, query string, between func(page int)) (refs []string, pages int) {
	t.Helper()
	p := get(t, s, query)
	for refs, pages = p.refs(), 1; p.Info.Next != ""; pages++ {
		if between != nil {
			between(pages + 1)
		}
		limit := url.Values{}
		if q, _ := url.ParseQuery(query); q.Has("limit") {
			limit.Set("limit", q.Get("limit"))
		}
		limit.Set("cursor", p.Info.Next)
		p = get(t, s, limit.Encode())
		refs = append(refs, p.refs()...)
	}
	return refs, pages
}

func entity(kind, namespace, name string) []byte {
	return fmt.Appendf(nil, `{"kind":%q,"metadata":{"namespace":%q,"name":%q,"tags":["b","a"]},"spec":{}}`, kind, namespace, name)
}

// letters are components named a to z.
func letters() (out [][]byte) {
	for c := 'a'; c <= 'z'; c++ {
		out = append(out, entity("Component", "default", string(c)))
	}
	return out
}

func TestPages(t *testing.T) {
	s := start(t, Options{Entities: append(letters(), entity("API", "default", "M"), entity("Component", "other", "M"))})
	for query, want := range map[string]struct {
		refs, pages int
		first       string
	}{
		"limit=10":                                   {28, 3, ""},
		"limit=10&orderField=metadata.name":          {28, 3, "component:default/a"},
		"limit=9&orderField=metadata.name,desc":      {28, 4, "component:default/z"},
		"orderField=metadata.name":                   {28, 1, "component:default/a"},
		"limit=5&filter=kind=component":              {27, 6, ""},
		"filter=KIND=Component,metadata.name=m":      {2, 1, ""},
		"filter=kind=api,kind=component":             {28, 1, ""},
		"filter=kind=api&filter=metadata.name=a":     {2, 1, ""},
		"filter=metadata.tags=B,metadata.tags.a":     {28, 1, ""},
		"filter=metadata.tags=b,metadata.tags=z":     {28, 1, ""},
		"filter=metadata.tags=z":                     {0, 1, ""},
		"filter=spec.owner":                          {0, 1, ""},
		"limit=20&orderField=metadata.tags":          {56, 3, ""},
		"limit=20&orderField=metadata.title":         {0, 1, ""},
		"limit=5&offset=26&orderField=metadata.name": {2, 1, "component:default/y"},
	} {
		refs, pages := walk(t, s, query, nil)
		if len(refs) != want.refs || pages != want.pages {
			t.Errorf("%s: %d refs in %d pages", query, len(refs), pages)
		}
		if want.first != "" && refs[0] != want.first {
			t.Errorf("%s: starts with %s", query, refs[0])
		}
	}
	if p := get(t, s, "limit=0"); p.Total != 28 || len(p.Items) != 0 {
		t.Errorf("limit=0: %+v", p)
	}
	if p := get(t, s, "limit=1&totalItems=exclude"); p.Total != 0 {
		t.Errorf("an excluded total is %d", p.Total)
	}
	second := get(t, s, "limit=4&cursor="+url.QueryEscape(get(t, s, "limit=4&orderField=metadata.name").Info.Next))
	back := get(t, s, "limit=4&cursor="+url.QueryEscape(second.Info.Prev))
	if got := strings.Join(back.refs(), " "); !strings.HasSuffix(got, "/d") || back.Info.Prev != "" {
		t.Errorf("the page before the second is %s, with a page before it: %q", got, back.Info.Prev)
	}
}

// A cursor carries order, filter and position: neither repeated parameters nor entities that
// come and go change which other entities are read.
func TestPagesOfAChangingCatalog(t *testing.T) {
	s := start(t, Options{Entities: letters()})
	refs, _ := walk(t, s, "limit=5&orderField=metadata.name,asc&filter=kind=component", func(page int) {
		s.Remove("Component:default/a", "component:default/y")
		if err := s.Put(entity("Component", "default", "b"), entity("Component", "default", "w2")); err != nil {
			t.Error(err)
		}
	})
	if got := strings.ReplaceAll(strings.Join(refs, " "), "component:default/",
		""); got != "a b c d e f g h i j k l m n o p q r s t u v w w2 x z" {
		t.Errorf("read %s", got)
	}
	if err := s.Replace(letters()[:3]); err != nil {
		t.Error(err)
	}
	if p := get(t, s, ""); p.Total != 3 {
		t.Errorf("%d entities after Replace", p.Total)
	}
}

func TestRefusals(t *testing.T) {
	const query = "/entities/by-query?"
	for name, tc := range map[string]struct {
		version, method, path, body string
		token                       string
		status                      int
		says                        string
	}{
		"no token":          {path: query, token: "-", status: 401, says: `"name":"AuthenticationError","message":"Missing credentials"`},
		"wrong token":       {path: query, token: "wrong", status: 401, says: `"message":"Illegal token"`},
		"unknown parameter": {path: query + "x=1", status: 400, says: `{"error":{"name":"InputError","message":"Unknown query parameter 'x'"},"request":{"method":"GET","url":"/entities/by-query?x=1"},"response":{"statusCode":400}}`},
		"exclude before 1.52": {version: "1.51", path: query + "totalItems=exclude", status: 400,
			says: "Unknown query parameter 'totalItems'"},
		"exclude since 1.52": {version: "1.52", path: query + "totalItems=exclude", status: 200},
		"offset in 1.12":     {version: "1.12", path: query + "offset=1", status: 400, says: "'offset'"},
		"limit no number":    {path: query + "limit=x", status: 400, says: "request/query/limit must be integer"},
		"negative limit":     {path: query + "limit=-1", status: 400, says: "must be >= 0"},
		"order":              {path: query + "orderField=kind,up", status: 400, says: "must be asc or desc"},
		"empty filter": {path: query + "filter=", status: 400,
			says: "Empty value found for query parameter 'filter'"},
		"filter without key": {path: query + "filter==x", status: 400, says: "is not a valid statement"},
		"cursor":             {path: query + "cursor=xxx", status: 400, says: "Malformed cursor"},
		"cursor of nothing":  {path: query + "cursor=e30=", status: 400, says: "Malformed cursor"},
		"unknown name": {path: "/entities/by-name/component/default/nope", status: 404,
			says: "No entity named 'nope' found, with kind 'component' in namespace 'default'"},
		"unknown path":   {path: "/nope", status: 404},
		"another method": {method: "DELETE", path: query, status: 404},
		"no facet":       {path: "/entity-facets", status: 400, says: "must have required property 'facet'"},
		"refs missing":   {method: "POST", path: "/entities/by-refs", body: "{}", status: 400, says: "'entityRefs'"},
		"refs not JSON":  {method: "POST", path: "/entities/by-refs", body: "{", status: 400, says: "InputError"},
		"more refs than taken": {method: "POST", path: "/entities/by-refs", body: strings.Repeat(" ", maxBody+1), status: 400,
			says: "request entity too large"},
	} {
		s := start(t, Options{Entities: letters(), Token: "secret", Version: tc.version})
		if tc.method == "" {
			tc.method = "GET"
		}
		if tc.token == "" {
			tc.token = "secret"
		}
		header := []string{"Authorization", "bearer " + tc.token}
		if tc.token == "-" {
			header = nil
		}
		answer, text, err := call(t, s, tc.method, tc.path, tc.body, header...)
		if err != nil || answer.StatusCode != tc.status || !strings.Contains(string(text), tc.says) {
			t.Errorf("%s: %v %v %s", name, err, answer.Status, text)
		}
	}
	for _, version := range []string{"1.11", "2", "x", "1.x"} {
		if _, err := Start(Options{Version: version}); err == nil {
			t.Errorf("version %q was taken", version)
		}
	}
}

func TestLookups(t *testing.T) {
	s := start(t, Options{Entities: letters()[:2], Prefix: "/backstage/"})
	_, text, _ := call(t, s, "POST", "/entities/by-refs?filter=kind=component", `{"entityRefs":["component:default/b","component:default/x","Component:default/a"]}`)
	if want := fmt.Sprintf(`{"items":[%s,null,null]}`, letters()[1]); string(text) != want {
		t.Errorf("by refs: %s", text)
	}
	_, text, _ = call(t, s, "GET", "/entities/by-name/COMPONENT/default/A", "")
	if string(text) != string(letters()[0]) {
		t.Errorf("by name: %s", text)
	}
	_, text, _ = call(t, s, "GET", "/entity-facets?facet=kind&facet=metadata.tags", "")
	if want := `{"facets":{"kind":[{"value":"Component","count":2}],"metadata.tags":[{"value":"a","count":2},{"value":"b","count":2}]}}`; string(text) != want {
		t.Errorf("facets: %s", text)
	}
}

func TestConnection(t *testing.T) {
	var seen []string
	s := start(t, Options{Entities: letters(), Latency: 30 * time.Millisecond, Observe: func(r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Method+" "+r.URL.Path+" "+string(body))
	}})
	begin := time.Now()
	answer, text, err := call(t, s, "POST", "/entities/by-refs", `{"entityRefs":[]}`, "Accept-Encoding", "gzip")
	if err != nil || answer.Header.Get("Content-Encoding") != "gzip" || answer.Header.Get("Content-Type") != contentJSON ||
		string(text[:2]) != "\x1f\x8b" {
		t.Errorf("%v %v %q", err, answer.Header, text)
	}
	if took := time.Since(begin); took < 30*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	if len(seen) != 1 || seen[0] != `POST /api/catalog/entities/by-refs {"entityRefs":[]}` {
		t.Errorf("observed %q", seen)
	}
	s.SetToken("new")
	if answer, _, _ := call(t, s, "GET", "/entities/by-query", ""); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s with an expired token", answer.Status)
	}
}
