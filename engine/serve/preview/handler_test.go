package preview_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// site is the pages of an index.
type site struct {
	t testing.TB
	h http.Handler
}

func newSite(t testing.TB, x *preview.Index, o preview.Options) site {
	o.Index = x.Lend
	return site{t, preview.Handler(o)}
}

// get returns the status and the text of a page.
func (s site) get(path string, values ...string) (int, string) {
	s.t.Helper()
	q := url.Values{}
	for i := 0; i < len(values); i += 2 {
		q.Add(values[i], values[i+1])
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+"?"+q.Encode(), nil))
	return w.Code, w.Body.String()
}

// TestPagesOfPeople: two people find different documents, and a page of one has nothing of what
// only the other finds.
func TestPagesOfPeople(t *testing.T) {
	s := newSite(t, newWorld(t).build(), preview.Options{})
	for who, c := range map[string]struct{ has, lacks []string }{
		"ann": {[]string{"Blue plans", "Budget", "Blue room"}, []string{"Red plans", "Salary", "Safe", "secret", "Attic"}},
		"bob": {[]string{"Red plans", "Salary of Bob", "Safe", "secret"}, []string{"Blue plans", "Budget", "Vault", "Attic"}},
		"":    {[]string{"Welcome"}, []string{"Blue", "Red", "Salary", "Budget", "Attic", "secret"}},
	} {
		for _, text := range []string{"", "shared", "page"} {
			code, body := s.get("/", "as", who, "q", text)
			if code != http.StatusOK {
				t.Fatal(code, body)
			}
			for _, want := range c.has {
				if !strings.Contains(body, want) {
					t.Errorf("%q, %q: %s is missing:\n%s", who, text, want, body)
				}
			}
			for _, other := range c.lacks {
				if strings.Contains(body, other) {
					t.Errorf("%q, %q: %s is on the page:\n%s", who, text, other, body)
				}
			}
		}
	}
}

// TestPageOfDocument: the page of a document is for people who find it; to others it looks as if
// there were none.
func TestPageOfDocument(t *testing.T) {
	s := newSite(t, newWorld(t).build(), preview.Options{Base: "/pipelines/handbook/search"})
	const path = "/pipelines/handbook/search/document"
	code, body := s.get(path, "as", "ann", "id", "of-department")
	for _, want := range []string{
		"Budget", "After this run, Ann Archer &lt;ann@example.com&gt; finds it", "<bdi>ann</bdi>", "<bdi>blue</bdi>",
		"<bdi>department</bdi>", "named teams", "testdata/handbook.yaml:", "record.place", "Vault", "2 people find it",
		"Cat Cook &lt;cat@example.com&gt;",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if code != http.StatusOK || t.Failed() {
		t.Errorf("%d:\n%s", code, body)
	}
	_, none := s.get(path, "as", "ann", "id", "there-is-none")
	for who, id := range map[string]string{"ann": "of-bob", "bob": "of-department", "": "of-blue", "who?": "open"} {
		code, body := s.get(path, "as", who, "id", id)
		if code != http.StatusNotFound || body != none {
			t.Errorf("%q gets %d for %s:\n%s", who, code, id, body)
		}
	}
	if code, _ := s.get(path, "as", "ann", "id", "of-department", "view", "before"); code != http.StatusNotFound {
		t.Errorf("the view before shows a document without an earlier run: %d", code)
	}
}

// TestPageOfPersons: a text that means no single person gives similar names.
func TestPageOfPersons(t *testing.T) {
	s := newSite(t, newWorld(t).build(), preview.Options{})
	_, body := s.get("/", "as", "example.com", "q", "shared")
	if !strings.Contains(body, "Who is") || !strings.Contains(body, "as=bob%40example.com") ||
		strings.Contains(body, "plans") {
		t.Error(body)
	}
	if _, body = s.get("/", "as", "zoe"); !strings.Contains(body, "No active user") {
		t.Error(body)
	}
	if _, body = s.get("/people", "q", "BA"); body != `["Bob Baker <bob@example.com>"]` {
		t.Error(body)
	}
}

// TestPageIsText: markup in documents and in a query is text, and secrets are removed.
func TestPageIsText(t *testing.T) {
	w := newWorld(t)
	w.write(people + `{"id":"x","kind":"page","name":"<script>alert(1)</script>","place":"\"><img src=x>","code":"CANARY-1",` +
		`"text":"canary CANARY-1 &lt;b&gt;"}`)
	secrets := &redact.Redactor{}
	secrets.Add("CANARY-1")
	s := newSite(t, w.build(), preview.Options{Secrets: secrets})
	for _, q := range [][]string{{"/", "q", "script"}, {"/", "q", "canary"}, {"/", "q", "<script>", "as", "<script>"},
		{"/document", "id", "x"}, {"/", "f", `place:"><img src=x>`}} {
		_, body := s.get(q[0], q[1:]...)
		for _, bad := range []string{"<script>", "<img", "CANARY-1", "<b>"} {
			if strings.Contains(body, bad) {
				t.Errorf("%v: %s is on the page:\n%s", q, bad, body)
			}
		}
	}
}

// TestLooks: every look at documents and names of people is reported before it is answered, also
// when nothing is found; without a report there is no answer.
func TestLooks(t *testing.T) {
	x := newWorld(t).build()
	var seen []preview.Look
	var refuse error
	s := newSite(t, x, preview.Options{Looked: func(_ *http.Request, l preview.Look) error {
		seen = append(seen, l)
		return refuse
	}})
	const bob, ann = "Bob Baker <bob@example.com>", "Ann Archer <ann@example.com>"
	for _, tt := range []struct {
		path  string
		query []string
		want  preview.Look
	}{
		{"/", []string{"as", "bob", "q", "shared"}, preview.Look{Kind: preview.SearchLook, Text: "shared", As: bob}},
		{"/", []string{"as", "example", "q", "shared"},
			preview.Look{Kind: preview.SearchLook, Text: "shared", As: "example", Missed: true}},
		{"/document", []string{"as", "bob", "id", "of-bob"},
			preview.Look{Kind: preview.DocumentLook, Text: "of-bob", As: bob}},
		{"/document", []string{"as", "ann", "id", "of-bob"},
			preview.Look{Kind: preview.DocumentLook, Text: "of-bob", As: ann, Missed: true}},
		{"/document", []string{"as", "who?", "id", "of-bob"},
			preview.Look{Kind: preview.DocumentLook, Text: "of-bob", As: "who?", Missed: true}},
		{"/people", []string{"q", "b"}, preview.Look{Kind: preview.PeopleLook, Text: "b"}},
	} {
		seen, refuse = nil, nil
		s.get(tt.path, tt.query...)
		if len(seen) != 1 || seen[0] != tt.want {
			t.Errorf("%s %v: %+v, want %+v", tt.path, tt.query, seen, tt.want)
		}
		refuse = errors.New("the disk is full")
		if code, body := s.get(tt.path, tt.query...); code != http.StatusInternalServerError ||
			strings.Contains(body, "Bob") {
			t.Errorf("%s %v answers without a record: %d\n%s", tt.path, tt.query, code, body)
		}
	}
}

// TestNoIndex: without an index, and after it is closed, pages say so.
func TestNoIndex(t *testing.T) {
	x := newWorld(t).build()
	x.Close()
	closed := preview.Handler(preview.Options{Index: func() (*preview.Index, func()) { return x, func() {} }})
	none := preview.Handler(preview.Options{Index: func() (*preview.Index, func()) { return nil, nil }})
	for name, s := range map[string]site{"none": {t, none}, "closed": {t, closed}} {
		for _, path := range []string{"/", "/document"} {
			code, body := s.get(path)
			if code != http.StatusServiceUnavailable || !strings.Contains(body, "are being read") {
				t.Error(name, code, body)
			}
		}
		if code, _ := s.get("/preview.css"); code != http.StatusOK {
			t.Error(name, code)
		}
	}
	if x, _ := x.Lend(); x != nil {
		t.Error("a closed index is lent")
	}
}

// TestPageReadsAgain: the search page says when the documents were read, and has a form that reads
// them again where its caller has one; each page links to those above it.
func TestPageReadsAgain(t *testing.T) {
	x := newWorld(t).build()
	x.Built = time.Date(2026, 7, 1, 14, 30, 0, 0, time.FixedZone("", 2*60*60))
	if _, body := newSite(t, x, preview.Options{}).get("/"); strings.Contains(body, "method=\"post\"") ||
		!strings.Contains(body, "Read at 2026-07-01 12:30 UTC") || strings.Contains(body, "<nav") {
		t.Error(body)
	}
	again := preview.Again{Token: "the-token"}
	const base = "/pipelines/handbook/search"
	s := newSite(t, x, preview.Options{Base: base, Again: func(*http.Request) preview.Again { return again },
		Above: []preview.Link{{Text: "Home", Address: "/"}, {Text: "handbook", Address: "/pipelines/handbook"}}})
	for _, path := range []string{"/", "/document", "/missing"} {
		_, body := s.get(base+path, "id", "open")
		if path != "/missing" && (!strings.Contains(body, `<a href="/"><bdi>Home</bdi></a>`) ||
			!strings.Contains(body, `<a href="/pipelines/handbook"><bdi>handbook</bdi></a>`)) {
			t.Errorf("%s has no links to the pages above:\n%s", path, body)
		}
		if form := strings.Contains(body, `method="post" action="`+base+`"`); form != (path == "/") {
			t.Errorf("%s: a form is %v", path, form)
		}
	}
	_, body := s.get(base + "/")
	if !strings.Contains(body, `name="token" value="the-token"`) || !strings.Contains(body, "Read again") {
		t.Error(body)
	}
	again.Reading = true
	if _, body = s.get(base); strings.Contains(body, "<button class=\"quiet\"") ||
		!strings.Contains(body, "are being read again; until then these are from 2026-07-01 12:30 UTC") {
		t.Error(body)
	}
	again = preview.Again{Err: errors.New("the source is <away>")}
	if _, body = s.get(base); !strings.Contains(body, "the source is &lt;away&gt;") {
		t.Error(body)
	}
}
