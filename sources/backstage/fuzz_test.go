package backstage

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// FuzzEntity: for any value in place of an entity, the reader and the model agree on its
// identity, and the relations of an accepted entity can be read.
func FuzzEntity(f *testing.F) {
	for _, e := range sandbox.Company() {
		f.Add(e)
	}
	for _, s := range []string{
		``, `null`, `[]`, `{`, `{"kind":"Component"}`, `{"kind":"component","metadata":{"name":"A","namespace":"X"}}`,
		`{"kind":"Component","metadata":{"name":"a","namespace":"x"},"metadata":{"name":"b"}}`,
		`{"kind":"Component","metadata":{"name":"a","namespace":"x","namespace":null}}`,
		`{"kind":"Component","metadata":{"name":"a","namespace":"x"},"metadata":null,"metadata":{"name":"b"}}`,
		`{"kind":"Component","kind":7,"metadata":{"name":"a"}}`,
		`{"kind":"Component","metadata":{"name":"\ud800"}}`, "{\"kind\":\"Component\",\"metadata\":{\"name\":\"\xff\"}}",
		`{"kind":"Component","metadata":{"name":"a/b","namespace":"c:d"},"relations":[{"type":"ownedBy","targetRef":"group:default/x"}]}`,
		`{"kind":"Component","metadata":{"name":"a"},"relations":[{"type":"ownedBy","target":{"kind":"Group","namespace":"x","name":"y"}},{"type":"ownedBy","targetRef":"x"}]}`,
	} {
		f.Add([]byte(s))
	}
	m := testModel()
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := record(raw, "Component")
		if err != nil {
			if r != nil {
				t.Fatal("a record and an error")
			}
			return
		}
		if r.Kind != "Component" || !strings.HasPrefix(r.Ref, "component:") {
			t.Fatalf("%+v", r.Entry)
		}
		if m.Decode(r) != nil {
			return
		}
		meta := r.Value["metadata"].(map[string]any)
		if want := ref.New("Component", meta["namespace"].(string), meta["name"].(string)); r.Ref != want ||
			r.Value["kind"] != "Component" {
			t.Fatalf("%s for the reader, %s for the model", r.Ref, want)
		}
		relations, _ := r.Value["relations"].([]any)
		for _, relation := range relations {
			for _, field := range []string{"type", "targetRef"} {
				if text, _ := relation.(map[string]any)[field].(string); text == "" {
					t.Fatalf("a relation without %s was accepted", field)
				}
			}
		}
		if _, err := run(t, m, `related("ownedBy", "group")`, r.Value); err != nil {
			t.Fatal(err)
		}
	})
}

// seedPages are answers to by-query, whole and broken.
var seedPages = []string{
	`{"items":[{"kind":"Component","metadata":{"name":"a"}}],"totalItems":1,"pageInfo":{}}`,
	`{"items":[{"kind":"Component","metadata":{"name":"a"}}],"totalItems":3,"pageInfo":{"nextCursor":"1"}}`,
	`{"items":[{"kind":"Component","metadata":{"name":"b"}},null],"totalItems":3,"pageInfo":{"nextCursor":"2","prevCursor":"0"}}`,
	`{"items":[],"totalItems":0,"pageInfo":{}}`, `{"items":[],"totalItems":7,"pageInfo":{"nextCursor":"1"}}`,
	`{"items":[{"kind":"API","metadata":{"name":"a"}}],"totalItems":1}`, `{"items":[7],"totalItems":1}`, `{"items":[{}],"totalItems":0}`,
	`{"items":null,"totalItems":0}`, `{"items":{},"totalItems":0}`, `{"totalItems":0}`, `{"items":[]}`, `[]`, `null`, ``, `{"items":[`,
	`{"items":[],"totalItems":-1}`, `{"items":[],"totalItems":1e30}`, `{"items":[],"totalItems":"1"}`, `{"items":[],"totalItems":0,"pageInfo":{"nextCursor":7}}`,
	`{"items":[],"items":[null],"totalItems":1,"totalItems":0,"pageInfo":null}`, `{"items":[],"totalItems":0,"pageInfo":"x"} `, `{"items":[],"totalItems":0}{}`,
}

// FuzzPage: a page is complete or an error. No prefix of a page is a page, so a truncated
// answer never ends a catalog.
func FuzzPage(f *testing.F) {
	for _, s := range seedPages {
		f.Add([]byte(s), uint(len(s)/2))
	}
	f.Fuzz(func(t *testing.T, body []byte, cut uint) {
		p, err := parsePage(body)
		if err != nil {
			return
		}
		if p.total < 0 {
			t.Fatalf("%d entities promised", p.total)
		}
		whole := bytes.TrimRight(body, " \t\r\n")
		if _, err := parsePage(whole[:cut%uint(len(whole))]); err == nil {
			t.Fatalf("%q is a page", whole[:cut%uint(len(whole))])
		}
	})
}

// script is a source on a server that returns the given answers in order, then repeats the
// last.
type script struct {
	*Source
	mu      sync.Mutex
	answers []string
	asked   int
}

func newScript(t testing.TB) *script {
	s := &script{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		answer := s.answers[min(s.asked, len(s.answers)-1)]
		s.asked++
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	cfg := &Config{URL: server.URL, PageSize: 32, Concurrency: 2, Config: connection.Default(),
		Kinds: config.Map[bool]{kindEntry("Component", true)}}
	cfg.Retries.Attempts = 1
	var err error
	if s.Source, err = Open(cfg, component.Settings{Loopback: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// play begins with a good answer, so the connection does not treat earlier failures as an
// outage.
func (s *script) play(t *testing.T, answers []string) {
	s.set([]string{seedPages[0]})
	if _, err := s.api.count(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.set(answers)
}

func (s *script) set(answers []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.asked = answers, 0
}

// FuzzCrawl: whatever the pages hold, a read ends, and ends well only when the
// first page's promise, or what Backstage counted since, was kept.
func FuzzCrawl(f *testing.F) {
	for i := range seedPages {
		f.Add(strings.Join(seedPages[i:min(i+3, len(seedPages))], "\n"))
	}
	f.Add(strings.Join([]string{seedPages[1], seedPages[2], seedPages[0]}, "\n"))
	s := newScript(f)
	f.Fuzz(func(t *testing.T, pages string) {
		answers := strings.Split(pages, "\n")
		s.play(t, answers)
		got := &crop{records: map[string]*component.Record{}}
		err := s.Read(t.Context(), component.Phase{Name: "catalog", Kinds: []component.Kind{{Name: "Component"}}}, got.emit)
		// Two passes and one that is refused, each at most all answers and the
		// last one until it counts as a circle, with a count after each.
		if most := 3 * (len(answers) + maxIdle + 3 + 2*mayBeUnread(0)); s.asked > most {
			t.Fatalf("%d requests for %d answers", s.asked, len(answers))
		}
		if len(got.twice) > 0 {
			t.Fatalf("handed over twice: %v", got.twice)
		}
		if err != nil {
			return
		}
		least, rows := -1, 0
		for _, a := range answers {
			if p, err := parsePage([]byte(a)); err == nil {
				rows += len(p.items)
				if least < 0 || p.total < least {
					least = p.total
				}
			}
		}
		if unread := 2 * mayBeUnread(rows); least < 0 || len(got.records)+unread < least && rows < least {
			t.Fatalf("%d entities and %d rows of at least %d, and no error", len(got.records), rows, least)
		}
	})
}

// FuzzConfirm: for any answer to by-refs, only requested entities are emitted, once each,
// and an answer that does not cover every ref is an error.
func FuzzConfirm(f *testing.F) {
	for _, s := range append(seedPages,
		`{"items":[{"kind":"Component","metadata":{"name":"control"}},{"kind":"Component","metadata":{"name":"a"}},null]}`,
		`{"items":[{"kind":"Component","metadata":{"name":"control"}},{"kind":"Component","metadata":{"name":"A","namespace":"Default"}},{"kind":"component","metadata":{"name":"b"}}]}`,
		`{"items":[{"kind":"Component","metadata":{"name":"control"}},{"kind":"Component","metadata":{"name":"b"}},null]}`,
		`{"items":[{"kind":"Component","metadata":{"name":"control"}},null,null,null]}`, `{"items":[null,null,null]}`, `{"items":[7,7,7]}`,
	) {
		f.Add(s)
	}
	s := newScript(f)
	asked := []string{"component:default/a", "component:default/b"}
	f.Fuzz(func(t *testing.T, answer string) {
		s.play(t, []string{answer})
		var got []string
		err := s.Confirm(t.Context(), component.Phase{Kinds: []component.Kind{{Name: "Component"}}}, asked,
			[]string{"component:default/control"}, func(_ context.Context, records []*component.Record) error {
				for _, r := range records {
					got = append(got, r.Ref)
					if again, err := record(r.Raw, "Component"); err != nil || again.Ref != r.Ref {
						t.Fatalf("%s came as %s", r.Raw, r.Ref)
					}
				}
				return nil
			})
		if all := fmt.Sprint(got); all != "[]" && all != "[component:default/a]" && all != "[component:default/b]" &&
			all != fmt.Sprint(asked) {
			t.Fatalf("%s came", all)
		}
		if err != nil && len(got) > 0 {
			t.Fatalf("%v came, and %v", got, err)
		}
		if err == nil && !strings.Contains(answer, "control") && !strings.Contains(answer, `\u`) && len(got) == 0 {
			t.Fatalf("%s proved an absence without its control", answer)
		}
	})
}
