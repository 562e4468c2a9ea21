package faults

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o sandbox.Options) *Server {
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

// walk reads all pages.
func walk(t *testing.T, s *Server, query string) (refs []string, pages int) {
	t.Helper()
	p := get(t, s, query)
	for refs, pages = p.refs(), 1; p.Info.Next != ""; pages++ {
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
	return fmt.Appendf(nil, `{"kind":%q,"metadata":{"namespace":%q,"name":%q,"tags":["b","a"]},"spec":{}}`,
		kind, namespace, name)
}

// letters are components named a to z.
func letters() (out [][]byte) {
	for c := 'a'; c <= 'z'; c++ {
		out = append(out, entity("Component", "default", string(c)))
	}
	return out
}
