package sandbox_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/contract"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

func TestDatasource(t *testing.T) {
	c := start(t, sandbox.Options{})
	config := catalog()
	config.Name, config.TrustURLRegexForViewActivity = "Portal", no()
	config.Quicklinks = []api.Quicklink{{Name: "Create", URL: "https://portal.example/create",
		Scopes: []string{"APP_CARD"}, IconConfig: &api.IconConfig{IconType: "GLYPH", Name: "plus"}}}
	c.must(api.PathAddDatasource, config, nil)
	var got api.DatasourceConfig
	c.must(api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: "portal"}, &got)
	if got.Name != "Portal" || got.TrustURLRegexForViewActivity == nil || *got.TrustURLRegexForViewActivity ||
		len(got.ObjectDefinitions) != 2 || len(got.Quicklinks) != 1 {
		t.Errorf("got %+v", got)
	}

	// A new config replaces the old one and keeps uploaded items.
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), docs("1")...), nil)
	smaller := catalog()
	smaller.ObjectDefinitions = []api.ObjectDefinition{{DisplayLabel: "everything else"}}
	c.must(api.PathAddDatasource, smaller, nil)
	other := docs("2")[0]
	other.ObjectType = "anything"
	c.must(api.PathBulkIndexDocuments, c.documents(whole("b"), docs("1")[0], other), nil)
	if got := c.ids(); got != "1 2" {
		t.Errorf("the index holds %q", got)
	}

	for name, tc := range map[string]struct{ body, want string }{
		"wrapped":       {`{"datasource":{"name":"a"}}`, "unknown field"},
		"no category":   {`{"name":"a","urlRegex":".*"}`, "datasourceCategory"},
		"uncategorized": {`{"name":"a","urlRegex":".*","datasourceCategory":"UNCATEGORIZED"}`, "datasourceCategory"},
		"no regex":      {`{"name":"a","datasourceCategory":"CRM"}`, "urlRegex: is required"},
		"bad regex":     {`{"name":"a","datasourceCategory":"CRM","urlRegex":"("}`, "urlRegex"},
		"bad name":      {`{"name":"a b","datasourceCategory":"CRM","urlRegex":".*"}`, "name"},
		"underscore": {`{"name":"a","datasourceCategory":"CRM","urlRegex":".*",` +
			`"objectDefinitions":[{"name":"x_y"}]}`, "spaces or _"},
		"twice": {`{"name":"a","datasourceCategory":"CRM","urlRegex":".*","objectDefinitions":[{"name":"x"},` +
			`{"name":"x"}]}`, "twice"},
		"property type": {`{"name":"a","datasourceCategory":"CRM","urlRegex":".*","objectDefinitions":[{"name":"x",` +
			`"propertyDefinitions":[{"name":"p","propertyType":"BOOL"}]}]}`,
			"objectDefinitions.propertyDefinitions.propertyType: must be one of TEXT"},
		"property no name": {`{"name":"a","datasourceCategory":"CRM","urlRegex":".*","objectDefinitions":[{"name":"x",` +
			`"propertyDefinitions":[{}]}]}`, "property name"},
		"null instead of []": {`{"name":"a","datasourceCategory":"CRM","urlRegex":".*","aliases":null}`, "aliases: must " +
			"be a list"},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			c.refused(api.PathAddDatasource, tc.body, 400, tc.want)
		})
	}
}

func TestEchoCustomNames(t *testing.T) {
	c := start(t, sandbox.Options{Rules: sandbox.Rules{EchoCustomNames: true}})
	var got api.DatasourceConfig
	c.must(api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: "backstage"}, &got)
	if got.Name != "CUSTOM_BACKSTAGE" {
		t.Errorf("got %q", got.Name)
	}
}

func TestEntityDatasource(t *testing.T) {
	config := catalog()
	config.IsEntityDatasource, config.URLRegex = yes(), ""
	c := start(t, sandbox.Options{Datasources: []api.DatasourceConfig{config}})
	d := docs("1")[0]
	d.ViewURL = ""
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), d), nil)
}

func TestFaults(t *testing.T) {
	first := api.Page{UploadID: "a", Datasource: "backstage", IsFirstPage: true}
	middle := api.Page{UploadID: "a", Datasource: "backstage"}
	last := api.Page{UploadID: "a", Datasource: "backstage", IsLastPage: true}
	pages := []api.Page{first, middle, middle, last}
	for name, tc := range map[string]struct {
		fault faults.Fault
		want  string // an answer per page: ok, a status, reset, cut or html
		index string
	}{
		"a status, once":   {faults.Fault{Status: 503, Times: 1}, "503 400 400 400", ""},
		"the middle pages": {faults.Fault{Page: faults.MiddlePage, Status: 429}, "ok 429 429 ok", "p0 p3"},
		"the second middle page": {faults.Fault{Page: faults.MiddlePage, After: 1, Status: 500}, "ok ok 500 ok",
			"p0 p1 p3"},
		"the last page": {faults.Fault{Page: faults.LastPage, Status: 500}, "ok ok ok 500", ""},
		"another path":  {faults.Fault{Path: "/bulkindexusers", Status: 500}, "ok ok ok ok", "p0 p1 p2 p3"},
		"a body": {faults.Fault{Match: func(b []byte) bool {
			return strings.Contains(string(b),
				`"p2"`)
		}, Status: 500}, "ok ok 500 ok", "p0 p1 p3"},
		"reset, nothing took effect": {faults.Fault{Page: faults.MiddlePage, Reset: true}, "ok reset reset ok", "p0 p3"},
		"the answer to the last page": {faults.Fault{Page: faults.LastPage, LoseAnswer: true}, "ok ok ok reset",
			"p0 p1 p2 p3"},
		"cut":       {faults.Fault{Page: faults.FirstPage, Truncate: true}, "cut ok ok ok", "p0 p1 p2 p3"},
		"html":      {faults.Fault{Page: faults.FirstPage, HTML: true}, "html 400 400 400", ""},
		"only late": {faults.Fault{Delay: time.Nanosecond}, "ok ok ok ok", "p0 p1 p2 p3"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sandbox.Options{})
			c.Fail(tc.fault)
			var got []string
			for i, p := range pages {
				status, body, err := c.post(api.PathBulkIndexDocuments, c.documents(p, docs("p"+string(rune('0'+i)))...))
				switch {
				case errors.Is(err, io.ErrUnexpectedEOF):
					got = append(got, "cut")
				case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF):
					got = append(got, "reset")
				case err != nil:
					t.Fatal(err)
				case strings.Contains(body, "<html>"):
					got = append(got, "html")
				case status == http.StatusOK:
					got = append(got, "ok")
				default:
					got = append(got, map[int]string{400: "400", 429: "429", 500: "500", 503: "503"}[status])
				}
			}
			if g := strings.Join(got, " "); g != tc.want {
				t.Errorf("answers %q, want %q", g, tc.want)
			}
			if g := c.ids(); g != tc.index {
				t.Errorf("the index holds %q, want %q", g, tc.index)
			}
			c.Heal()
			c.must(api.PathDebugStatus("backstage"), nil, &api.DatasourceStatus{})
		})
	}
}

func TestFaultHeader(t *testing.T) {
	c := start(t, sandbox.Options{})
	c.Fail(faults.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}, Body: "slow down"})
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, api.PathDebugStatus("backstage"), nil))
	if w.Code != 429 || w.Header().Get("Retry-After") != "7" || w.Body.String() != "slow down" {
		t.Errorf("got %d %v %q", w.Code, w.Header(), w.Body)
	}
}

// TestCloseEndsDelays: Close does not wait for a fault's delay.
func TestCloseEndsDelays(t *testing.T) {
	arrived := make(chan struct{})
	c := start(t, sandbox.Options{})
	c.Fail(faults.Fault{Delay: time.Hour, Match: func([]byte) bool { close(arrived); return true }})
	var wg sync.WaitGroup
	wg.Go(func() { _, _, _ = c.post(api.PathDebugStatus("backstage"), nil) })
	<-arrived
	c.Close()
	wg.Wait()
}

func TestObserve(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	c := start(t, sandbox.Options{Observe: func(e sandbox.Exchange) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, e.Path+" "+http.StatusText(e.Status)+" "+string(e.Body)+string(e.Answer))
	}})
	c.must(api.PathCheckDocumentAccess, `{"datasource":"backstage","objectType":"component","docId":"x",`+
		`"userEmail":"a@x"}`, &api.CheckDocumentAccessResponse{})
	c.token = ""
	c.refused(api.PathDebugStatus("backstage"), nil, 401, "")
	want := []string{
		`/api/index/v1/checkdocumentaccess OK {"datasource":"backstage","objectType":"component","docId":"x",` +
			`"userEmail":"a@x"}{"hasAccess":false}`,
		`/api/index/v1/debug/backstage/status Unauthorized Not Authorized: token is invalid or has expired`,
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(seen, want) {
		t.Errorf("saw %q", seen)
	}
}

// TestParallelPages: middle pages may come all at once.
func TestParallelPages(t *testing.T) {
	c := start(t, sandbox.Options{})
	c.must(api.PathBulkIndexDocuments, step{"a", "f", nil, 0, ""}.request(), nil)
	ids := many(40)
	var wg sync.WaitGroup
	for chunk := range slices.Chunk(ids, 5) {
		wg.Go(func() {
			if status, body, err := c.post(api.PathBulkIndexDocuments, step{"a", "", chunk, 0, ""}.request()); status != 200 {
				t.Errorf("%d %s %v", status, body, err)
			}
		})
	}
	wg.Wait()
	c.must(api.PathBulkIndexDocuments, step{"a", "l", nil, 0, ""}.request(), nil)
	if got := c.ids(); got != strings.Join(ids, " ") {
		t.Errorf("the index holds %q", got)
	}
}

// TestContract reports whether this run of the tests was checked against Glean's OpenAPI
// document: if there is one, every client of the other tests uses it.
func TestContract(t *testing.T) {
	contract.FromEnv(t)
	if spec, err := openAPI(); err != nil || spec == nil {
		t.Fatalf("the document is not in use: %v", err)
	}
}
