package faults

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

func TestFaults(t *testing.T) {
	const query = "/entities/by-query?filter=kind=Component"
	for name, tc := range map[string]struct {
		fault  Fault
		status int    // 0: no answer
		says   string // in the body
		broken bool   // the body cannot be read to its end
	}{
		"throttled":    {Fault{Status: 429, RetryAfter: "2"}, 429, `{"error":{"name":"RateLimitError"`, false},
		"not started":  {Fault{Status: 503}, 503, "Service has not started up yet", false},
		"error":        {Fault{Status: 500}, 500, "An internal error occurred logId=", false},
		"gateway":      {Fault{Status: 504}, 504, "<title>Gateway Timeout</title>", false},
		"no access":    {Fault{Status: 403}, 403, "restricted to plugin(s)", false},
		"bad cursor":   {Fault{Status: 400}, 400, "Malformed cursor", false},
		"sign-in page": {Fault{HTML: true}, 200, "Sign in to continue", false},
		"redirect":     {Fault{Redirect: "http://login.example.com/"}, 302, "", false},
		"reset":        {Fault{Reset: true}, 0, "", false},
		"cut":          {Fault{Cut: 100}, 200, `{"items":[`, true},
		"truncated":    {Fault{Truncate: 100}, 200, `{"items":[`, false},
		"empty":        {Fault{Empty: true}, 200, `{"items":[],"totalItems":0,"pageInfo":{}}`, false},
		"promise":      {Fault{Promise: 4}, 200, `"totalItems":30,`, false},
		"other items":  {Fault{Items: [][]byte{[]byte(`{"kind":"API"}`), nil}}, 200, `{"items":[{"kind":"API"},null],"totalItems":26,`, false},
		"more rows":    {Fault{Extra: [][]byte{nil, []byte(`{"kind":"API"}`)}}, 200, `,null,{"kind":"API"}],"totalItems":28,`, false},
		"a body":       {Fault{Body: []byte(`{"error":{}}`)}, 200, `{"error":{}}`, false},
		"no cursor":    {Fault{Cursorless: true}, 200, `"totalItems":26,"pageInfo":{}}`, false},
		"broken": {Fault{Broken: func(ref string) bool {
			return ref == "component:default/c"
		}}, 500, "internal error", false},
		"hidden":       {Fault{Hide: func(ref string) bool { return ref != "component:default/c" }}, 200, `{"items":[{"kind":"Component","metadata":{"namespace":"default","name":"c","tags":["b","a"]},"spec":{}}],"totalItems":1,`, false},
		"bare":         {Fault{Bare: true}, 200, `"relations":[]`, false},
		"not doubled":  {Fault{Double: true}, 200, `"totalItems":26,`, false},
		"of this kind": {Fault{Kind: "component", Status: 500}, 500, "", false},
		"other kind":   {Fault{Kind: "api", Status: 500}, 200, "", false},
		"other page":   {Fault{Page: 2, Status: 500}, 200, "", false},
		"other path":   {Fault{Path: "/by-name/", Status: 500}, 200, "", false},
		"slow":         {Fault{Delay: 30 * time.Millisecond}, 200, "", false},
	} {
		s := start(t, sandbox.Options{Entities: letters()})
		s.Fail(tc.fault)
		begin := time.Now()
		answer, text, err := call(t, s, "GET", query, "")
		if took := time.Since(begin); took < tc.fault.Delay {
			t.Errorf("%s: answered after %v", name, took)
		}
		if tc.status == 0 {
			if answer != nil {
				t.Errorf("%s: %s", name, answer.Status)
			}
			continue
		}
		if answer == nil || answer.StatusCode != tc.status || !strings.Contains(string(text), tc.says) ||
			(err != nil) != tc.broken {
			t.Errorf("%s: %v %s", name, err, text)
			continue
		}
		if got := answer.Header.Get("Retry-After"); got != tc.fault.RetryAfter {
			t.Errorf("%s: Retry-After %q", name, got)
		}
		if tc.fault.Truncate > 0 && len(text) != tc.fault.Truncate {
			t.Errorf("%s: %d bytes", name, len(text))
		}
	}
}

func TestFaultTimes(t *testing.T) {
	s := start(t, sandbox.Options{Entities: letters()})
	s.Fail(Fault{Page: 2, Times: 2, Status: 401}, Fault{Page: 2, Times: 1, Status: 403})
	cursor := url.QueryEscape(get(t, s, "limit=3").Info.Next)
	for i, want := range []int{401, 401, 403, 200, 200} {
		answer, text, err := call(t, s, "GET", "/entities/by-query?limit=3&cursor="+cursor, "")
		if err != nil || answer.StatusCode != want {
			t.Errorf("call %d: %v %s", i, err, text)
		}
	}
	s.Fail(Fault{Status: http.StatusInternalServerError})
	s.Heal()
	if p := get(t, s, ""); p.Total != 26 {
		t.Errorf("%d entities after Heal", p.Total)
	}
}

func TestFaultRepeat(t *testing.T) {
	for _, page := range []int{1, 2} {
		s := start(t, sandbox.Options{Entities: letters()})
		s.Fail(Fault{Page: page, Times: 1, Repeat: true})
		refs, pages := walk(t, s, "limit=10&orderField=metadata.name")
		if len(refs) != 36 || pages != 4 {
			t.Errorf("page %d twice: %d entities in %d pages", page, len(refs), pages)
		}
	}
}

// Pages without end hold no entity twice.
func TestFaultEndless(t *testing.T) {
	s := start(t, sandbox.Options{Entities: letters()})
	s.Fail(Fault{Endless: true})
	seen, query := map[string]bool{}, "limit=10&orderField=metadata.name&filter=kind=component"
	for page := range 8 {
		p := get(t, s, query)
		for _, item := range p.Items {
			if name := item.Metadata.Name; seen[name] {
				t.Errorf("page %d repeats %s", page, name)
			} else {
				seen[name] = true
			}
		}
		if p.Info.Next == "" || p.Total != 26 {
			t.Fatalf("page %d has cursor %q and promises %d", page, p.Info.Next, p.Total)
		}
		query = "limit=10&cursor=" + url.QueryEscape(p.Info.Next)
	}
	if len(seen) != 26+5*10 {
		t.Errorf("%d entities", len(seen))
	}
}

// A broken entity fails what holds it and nothing else.
func TestFaultBroken(t *testing.T) {
	s := start(t, sandbox.Options{Entities: letters()})
	s.Fail(Fault{Broken: func(ref string) bool { return ref == "component:default/c" }})
	for request, want := range map[string]int{
		"GET /entities/by-query?limit=2&orderField=metadata.name":          200,
		"GET /entities/by-query?limit=3&orderField=metadata.name":          500,
		"GET /entities/by-query?limit=2&offset=3&orderField=metadata.name": 200,
		"GET /entities/by-name/component/default/c":                        500,
		"GET /entities/by-name/component/default/d":                        200,
	} {
		method, path, _ := strings.Cut(request, " ")
		if answer, text, err := call(t, s, method, path, ""); err != nil || answer.StatusCode != want {
			t.Errorf("%s: %v %s", request, err, text)
		}
	}
	for body, want := range map[string]int{`{"entityRefs":["component:default/a"]}`: 200, `{"entityRefs":["component:default/a","component:default/c"]}`: 500} {
		if answer, text, err := call(t, s, "POST", "/entities/by-refs", body); err != nil || answer.StatusCode != want {
			t.Errorf("%s: %v %s", body, err, text)
		}
	}
}

// Hidden entities are on no page that the fault affects.
func TestFaultHide(t *testing.T) {
	const asked = `{"entityRefs":["component:default/a","component:default/b","component:default/c","component:default/d","component:default/e"]}`
	s := start(t, sandbox.Options{Entities: letters()})
	all := func() (list, byRefs, byName int) {
		refs, _ := walk(t, s, "limit=4&orderField=metadata.name")
		_, text, err := call(t, s, "POST", "/entities/by-refs", asked)
		if err != nil {
			t.Fatal(err)
		}
		for c := 'a'; c <= 'z'; c++ {
			if answer, _, err := call(t, s, "GET", "/entities/by-name/component/default/"+string(c), ""); err == nil &&
				answer.StatusCode == http.StatusOK {
				byName++
			}
		}
		return len(refs), strings.Count(string(text), `"kind"`), byName
	}
	if list, byRefs, byName := all(); list != 26 || byRefs != 5 || byName != 26 {
		t.Fatal(list, byRefs, byName)
	}
	s.Fail(Fault{Path: "/by-query", Hide: Half})
	list, byRefs, byName := all()
	if list < 5 || list > 21 || byRefs != 5 || byName != 26 {
		t.Errorf("hidden from lists: %d, %d, %d", list, byRefs, byName)
	}
	if total := get(t, s, "limit=1").Total; total != list {
		t.Errorf("%d in totalItems of %d", total, list)
	}
	s.Heal()
	s.Fail(Fault{Hide: Half})
	if l, r, n := all(); l != list || r == 0 || r == 5 || n != list {
		t.Errorf("hidden: %d, %d, %d", l, r, n)
	}
}

// Lists that hold entities twice count them twice, but only in an order.
func TestFaultDouble(t *testing.T) {
	s := start(t, sandbox.Options{Entities: letters()})
	s.Fail(Fault{Double: true})
	refs, pages := walk(t, s, "limit=5&orderField=metadata.name")
	if total := get(t, s, "limit=1&orderField=metadata.name").Total; total != 52 || len(refs) <= 26 ||
		refs[len(refs)-1] != "component:default/z" {
		t.Errorf("%d of %d entities in %d pages, the last %s", len(refs), total, pages, refs[len(refs)-1])
	}
	if refs, _ := walk(t, s, "limit=5"); len(refs) != 26 {
		t.Errorf("%d entities without an order", len(refs))
	}
}
