//go:build backstage

package sandbox

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// The sandbox gives the same answers as the Backstage at BACKSTAGE_URL when it serves the
// same entities.
func TestSameAsRealBackstage(t *testing.T) {
	upstream := &backend{os.Getenv("BACKSTAGE_URL"), os.Getenv("BACKSTAGE_TOKEN")}
	_, text := upstream.get(t, "/entities/by-query?limit=1000000")
	var entities [][]byte
	if err := codec.Members(text, func(name string, value []byte) error {
		if name != "items" {
			return nil
		}
		return codec.Elements(value, func(e []byte) error {
			entities = append(entities, bytes.Clone(e))
			return nil
		})
	}); err != nil || len(entities) == 0 {
		t.Fatalf("%d entities, %v", len(entities), err)
	}
	s := start(t, Options{Entities: entities, Token: upstream.token})
	ours := &backend{s.URL(), upstream.token}

	const query = "/entities/by-query?"
	for _, path := range []string{
		query + "limit=3", query + "limit=0", query + "offset=3&limit=2", query + "totalItems=exclude&limit=1",
		query + "filter=kind=component,metadata.namespace=payments&filter=kind=domain&limit=40",
		query + "filter=kind=user,kind=group&limit=5", query + "filter=KIND=API,metadata.tags=pci&limit=4",
		query + "filter=metadata.tags.pci&limit=4", query + "filter=metadata.title&limit=4",
		query + "filter=metadata.annotations.backstage.io/techdocs-ref&limit=3",
		query + "filter=relations.ownedBy=GROUP:default/ghost-team&limit=50",
		query + "filter=metadata.links.title=wiki&limit=2", query + "filter=spec.custom.deep=1&limit=2",
		query + "filter=metadata.description=&limit=1", query + "filter=metadata.etag&limit=1",
		query + "limit=4&orderField=metadata.title", query + "limit=3&orderField=metadata.name,desc",
		query + "limit=3&orderField=metadata.tags", query + "orderField=nope&limit=3",
		query + "foo=1", query + "limit=abc", query + "limit=-1", query + "orderField=metadata.name,up",
		query + "filter=", query + "filter=,&limit=1", query + "filter==x", query + "cursor=",
		"/entity-facets?facet=kind&facet=spec.type&filter=kind=api", "/entity-facets",
		"/entities/by-name/COMPONENT/default/docs-site", "/entities/by-name/component/default/nope", "/entities/by-name/a/b",
	} {
		wantStatus, want := upstream.get(t, path)
		gotStatus, got := ours.get(t, path)
		if gotStatus != wantStatus || !reflect.DeepEqual(normal(t, got), normal(t, want)) {
			t.Errorf("%s\n got %d %.300s\nwant %d %.300s", path, gotStatus, got, wantStatus, want)
		}
	}
	for _, path := range []string{"orderField=metadata.name,asc&filter=kind=component",
		"orderField=metadata.name,desc&filter=kind=user", "filter=kind=api"} {
		theirs, mine := path, path
		for page := 1; ; page++ {
			_, want := upstream.get(t, query+theirs+"&limit=97")
			_, got := ours.get(t, query+mine+"&limit=97")
			w, g := normal(t, want), normal(t, got)
			if !reflect.DeepEqual(g, w) {
				t.Fatalf("page %d of %s differs", page, path)
			}
			info := w["pageInfo"].(map[string]any)
			if info["nextCursor"] == nil {
				break
			}
			theirs, mine = "cursor="+cursorOf(t, want), "cursor="+cursorOf(t, got)
		}
	}
}

type backend struct{ url, token string }

func (b *backend) get(t *testing.T, path string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.url+"/api/catalog"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, text
}

func cursorOf(t *testing.T, text []byte) string {
	var p page
	if err := codec.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return url.QueryEscape(p.Info.Next)
}

// normal is an answer with its cursors reduced to what both know of them.
func normal(t *testing.T, text []byte) map[string]any {
	t.Helper()
	if len(text) == 0 {
		return nil
	}
	v, err := codec.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := v["pageInfo"].(map[string]any)
	for name, c := range info {
		parsed, err := parseCursor(c.(string))
		if err != nil {
			t.Fatal(err)
		}
		parsed.Filter, parsed.Page = nil, 0
		info[name] = parsed
	}
	return v
}
