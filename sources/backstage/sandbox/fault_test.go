package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
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
		"of this kind": {Fault{Kind: "component", Status: 500}, 500, "", false},
		"other kind":   {Fault{Kind: "api", Status: 500}, 200, "", false},
		"other page":   {Fault{Page: 2, Status: 500}, 200, "", false},
		"other path":   {Fault{Path: "/by-name/", Status: 500}, 200, "", false},
		"slow":         {Fault{Delay: 30 * time.Millisecond}, 200, "", false},
	} {
		s := start(t, Options{Entities: letters()})
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
		if answer == nil || answer.StatusCode != tc.status || !strings.Contains(string(text), tc.says) || (err != nil) != tc.broken {
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
	s := start(t, Options{Entities: letters()})
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
		s := start(t, Options{Entities: letters()})
		s.Fail(Fault{Page: page, Times: 1, Repeat: true})
		refs, pages := walk(t, s, "limit=10&orderField=metadata.name", nil)
		if len(refs) != 36 || pages != 4 {
			t.Errorf("page %d twice: %d entities in %d pages", page, len(refs), pages)
		}
	}
}
