package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// impatient are flags that make a run give up soon.
var impatient = []string{"--set", "@source.retries.attempts=2", "--set", "@sink.retries.attempts=2", "--set",
	"@sink.recovery_wait=1s", "--set", "@source.page_size=10", "--set", "@sink.batch.documents=9"}

// TestSourceFaults: whatever Backstage does, either everything is delivered or
// nothing is sent (invariant 1), and a person learns what happened.
func TestSourceFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault backstagefaults.Fault
		env   map[string]string
		flags []string
		code  int
		want  []string
	}{
		"500 once in the middle": {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Status: 500, Times: 1}},
		"429 once":               {fault: backstagefaults.Fault{Page: 1, Status: 429, RetryAfter: "1", Times: 1}},
		"a reset once":           {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Reset: true, Times: 1}},
		"a cut body once":        {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Cut: 500, Times: 1}},
		"a refused cursor once":  {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Status: 400, Times: 1}},
		"short of the promise once": {
			fault: backstagefaults.Fault{Kind: "Component", Page: 1, Promise: 1, Times: 1}},
		"HTML once":       {fault: backstagefaults.Fault{Kind: "Component", Page: 2, HTML: true, Times: 1}},
		"an error object": {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Body: []byte(`{"error":{"name":"Error"}}`), Times: 1}},
		"an empty answer": {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Body: []byte{}, Times: 1}},
		"nulls":           {fault: backstagefaults.Fault{Kind: "Component", Extra: make([][]byte, 3)}},
		"rows twice":      {fault: backstagefaults.Fault{Kind: "Component", Extra: backstagesandbox.Company()[:1]}},
		"many nulls": {fault: backstagefaults.Fault{Kind: "Component", Extra: make([][]byte, 21)}, code: 1,
			want: []string{"are null", "1.29"}},
		"no end": {fault: backstagefaults.Fault{Kind: "Component", Endless: true}, code: 1,
			want: []string{"no end"}},
		"one that is broken": {fault: backstagefaults.Fault{Kind: "Component", Broken: backstagefaults.Half}, code: 1,
			want: []string{"500"}},
		"HTML for ever": {fault: backstagefaults.Fault{Kind: "Component", Page: 2, HTML: true}, code: 1,
			want: []string{"HTML", "sign-in"}},
		"500 for ever": {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Status: 500}, code: 1,
			want: []string{"500"}},
		"a reset for ever": {fault: backstagefaults.Fault{Kind: "Component", Reset: true}, code: 1},
		"cut for ever":     {fault: backstagefaults.Fault{Kind: "Component", Cut: 500}, code: 1},
		"truncated JSON": {fault: backstagefaults.Fault{Kind: "Component", Truncate: 500}, code: 1,
			want: []string{"JSON is incomplete"}},
		"a refused cursor": {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Status: 400}, code: 1,
			want: []string{"cursor"}},
		"short of promises": {fault: backstagefaults.Fault{Kind: "Component", Promise: 1}, code: 1,
			want: []string{"incomplete", "announced"}},
		"going in circles": {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Repeat: true}, code: 1,
			want: []string{"responses repeat"}},
		"401 midway": {fault: backstagefaults.Fault{Kind: "Component", Page: 2, Status: 401}, code: 1,
			want: []string{"401", "BACKSTAGE_API_TOKEN"}},
		"403": {fault: backstagefaults.Fault{Status: 403}, code: 1,
			want: []string{"403", "accessRestrictions"}},
		"a sign-in page": {fault: backstagefaults.Fault{HTML: true}, code: 1, want: []string{"HTML", "sign-in"}},
		"a redirect": {fault: backstagefaults.Fault{Redirect: "https://login.example.com/x"}, code: 1,
			want: []string{"login.example.com"}},
		"an empty catalog": {fault: backstagefaults.Fault{Empty: true}, code: 4,
			want: []string{"empty", "accessRestrictions"}},
		"slow": {fault: backstagefaults.Fault{Kind: "Component", Delay: time.Minute},
			flags: []string{"--set", "@source.timeout=50ms"}, code: 1, want: []string{"timeout"}},
		"too slow in all": {fault: backstagefaults.Fault{Kind: "Component", Delay: time.Minute},
			flags: []string{"--timeout", "300ms"}, code: 1, want: []string{"--timeout"}},
		"a wrong token": {env: map[string]string{"BACKSTAGE_API_TOKEN": "wrong-canary"}, code: 1, want: []string{"401"}},
		"connection refused": {env: map[string]string{"BACKSTAGE_BASE_URL": "http://127.0.0.1:1"}, code: 1,
			want: []string{"127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
			for k, v := range tc.env {
				w.env[k] = v
			}
			w.env["BACKSTAGE_UI_URL"] = w.backstage.URL() // what Glean's datasource is about
			if tc.env == nil {
				w.backstage.Fail(tc.fault)
			}
			c := w.pipe(t, append(append([]string{"run", shipped, "--progress", "none"}, impatient...), tc.flags...)...)
			if c.code != tc.code {
				t.Errorf("exit %d, want %d\n%s", c.code, tc.code, c.both())
			}
			for _, want := range tc.want {
				if !strings.Contains(c.stderr, want) {
					t.Errorf("%q is not said in\n%s", want, c.stderr)
				}
			}
			if strings.Contains(c.both(), "canary") {
				t.Errorf("a secret was printed:\n%s", c.both())
			}
			index := w.index()
			if tc.code == 0 && len(index.Documents) < 40 {
				t.Errorf("only %d documents", len(index.Documents))
			}
			if tc.code != 0 && (len(index.Uploads) > 0 || !strings.Contains(c.stdout, "nothing sent")) {
				t.Errorf("%d uploads\n%s", len(index.Uploads), c.stdout)
			}
			if tc.code != 0 && !strings.Contains(c.stderr, "→") {
				t.Errorf("nothing says what to do:\n%s", c.stderr)
			}
		})
	}
}

// TestSinkFaults: for every fault of Glean, its contents of each stream are either the old
// or the new ones, and an upload is never closed after a failed page.
func TestSinkFaults(t *testing.T) {
	const docs, users, members = "bulkindexdocuments", "bulkindexusers", "bulkindexmemberships"
	for name, tc := range map[string]struct {
		fault gleanfaults.Fault
		env   map[string]string
		code  int
		want  []string
	}{
		"500 once": {fault: gleanfaults.Fault{Path: docs, Page: gleanfaults.MiddlePage, Status: 500,
			Times: 1}},
		"429 once": {fault: gleanfaults.Fault{Path: docs, Status: 429,
			Header: http.Header{"Retry-After": {"1"}}, Times: 1}},
		"a reset once": {fault: gleanfaults.Fault{Path: docs, Page: gleanfaults.MiddlePage, Reset: true,
			Times: 1}},
		"a lost first answer": {fault: gleanfaults.Fault{Path: docs, Page: gleanfaults.FirstPage, LoseAnswer: true,
			Times: 1}},
		"a lost middle answer": {fault: gleanfaults.Fault{Path: docs, Page: gleanfaults.MiddlePage, LoseAnswer: true,
			Times: 1}},
		"a lost last answer": {fault: gleanfaults.Fault{Path: docs, Page: gleanfaults.LastPage, LoseAnswer: true,
			Times: 1}},
		"a lost answer for users":      {fault: gleanfaults.Fault{Path: users, LoseAnswer: true, Times: 1}},
		"a lost answer for membership": {fault: gleanfaults.Fault{Path: members, LoseAnswer: true, Times: 1}},
		"500 for ever": {fault: gleanfaults.Fault{Path: docs, Page: gleanfaults.MiddlePage, Status: 500},
			code: 1, want: []string{"500"}},
		"the last page fails": {fault: gleanfaults.Fault{Path: docs, Page: gleanfaults.LastPage, Status: 503},
			code: 1, want: []string{"503"}},
		"403": {fault: gleanfaults.Fault{Path: docs, Status: 403, Body: "IP not greenlisted"},
			code: 1, want: []string{"403", "greenlisted"}},
		"401": {env: map[string]string{"GLEAN_INDEXING_API_KEY": "wrong-canary"}, code: 1,
			want: []string{"401"}},
		"a sign-in page": {fault: gleanfaults.Fault{Path: docs, HTML: true}, code: 1, want: []string{"HTML"}},
		"400 for every page": {fault: gleanfaults.Fault{Path: docs, Status: 400, Body: "Invalid request"}, code: 1,
			want: []string{"Invalid request"}},
		"connection refused": {env: map[string]string{"GLEAN_SERVER_URL": "http://127.0.0.1:1"}, code: 1,
			want: []string{"127.0.0.1:1"}},
		"no such datasource": {env: map[string]string{"GLEAN_DATASOURCE_ID": "other"}, code: 2,
			want: []string{"other", "datasource"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
			for k, v := range tc.env {
				w.env[k] = v
			}
			if tc.env == nil {
				w.glean.Fail(tc.fault)
			}
			c := w.pipe(t, append([]string{"run", shipped, "--progress", "none"}, impatient...)...)
			if c.code != tc.code {
				t.Errorf("exit %d, want %d\n%s", c.code, tc.code, c.both())
			}
			for _, want := range tc.want {
				if !strings.Contains(c.stderr, want) {
					t.Errorf("%q is not said in\n%s", want, c.stderr)
				}
			}
			if strings.Contains(c.both(), "canary") {
				t.Errorf("a secret was printed:\n%s", c.both())
			}
			documents := len(w.index().Documents)
			if tc.code == 0 && documents < 40 || tc.code != 0 && documents != 0 {
				t.Errorf("%d documents\n%s", documents, c.both())
			}
			if tc.code == 0 {
				return
			}
			w.glean.Heal() // and the next run cleans up by itself
			w.env = w.environment()
			if c := w.pipe(t, append([]string{"run", shipped, "--progress", "none"}, impatient...)...); c.code != 0 ||
				len(w.index().Documents) < 40 {
				t.Errorf("the next run: exit %d, %d documents\n%s", c.code, len(w.index().Documents), c.both())
			}
		})
	}
}
