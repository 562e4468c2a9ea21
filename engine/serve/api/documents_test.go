package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/api"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// guide is two people, a team of one of them, and three pages.
const guide = `
{"id":"ann","kind":"person","name":"Ann","mail":"ann@example.com"}
{"id":"bob","kind":"person","name":"Bob","mail":"bob@example.com"}
{"id":"team-42","kind":"team","name":"Payments","members":["ann"]}
{"id":"open","kind":"page","name":"Welcome","text":"lunch at noon","audience":"all"}
{"id":"closed","kind":"page","name":"Pay rise","text":"lunch with CANARY-SECRET-1","owner":"team-42","audience":"team"}
{"id":"draft","kind":"page","name":"Draft","audience":"none"}
`

func writeGuide(t *testing.T, w *servetest.World) {
	t.Helper()
	if err := os.WriteFile(w.Records, []byte(guide), 0o600); err != nil {
		t.Fatal(err)
	}
}

// testDocuments reads the documents, explains them and searches them.
func testDocuments(t *testing.T, c *client) {
	writeGuide(t, c.world)
	defer c.world.Write(100, 50)
	const at = "/pipelines/handbook/documents"
	inspector, viewer := c.token("documents", signin.Inspect), c.token("counts", signin.View, signin.Trigger)
	for operation, path := range map[string]string{"documents": at, "readDocuments": at, "explain": at + "/open",
		"search": "/pipelines/handbook/search"} {
		c.call(viewer, operation, path, "", 403)
	}
	if now := c.call(inspector, "documents", at, "", 200); now["read"] != nil || now["reading"] != false {
		t.Errorf("before anything was read: %v", now)
	}
	e := c.call(inspector, "explain", at+"/closed?person=ann@example.com", "", 200)
	as, permissions := e["as"].(map[string]any), e["permissions"].(map[string]any)
	if e["ending"] != "delivered" || e["title"] != "Pay rise" || as["finds"] != true ||
		fmt.Sprint(as["chain"], permissions["people"]) != "[ann team-42] [ann@example.com]" {
		t.Errorf("as Ann: %v", e)
	}
	if e["record"].(map[string]any)["title"] != "Pay rise" || e["transforms"] == nil || !strings.Contains(
		e["items"].([]any)[0].(map[string]any)["at"].(string), "handbook.yaml:") {
		t.Errorf("how it came about: %v", e)
	}
	as = c.call(inspector, "explain", at+"/closed?person=bob", "", 200)["as"].(map[string]any)
	if as["finds"] != false || as["chain"] != nil || !strings.Contains(as["why"].(string), "a member of no group") {
		t.Errorf("as Bob: %v", as)
	}
	as = c.call(inspector, "explain", at+"/open?person=zoe", "", 200)["as"].(map[string]any)
	if as["finds"] != false || !strings.Contains(as["why"].(string), "zoe is neither") {
		t.Errorf("as Zoe: %v", as)
	}
	if e = c.call(inspector, "explain", at+"/draft", "", 200); e["ending"] != "withheld" || e["as"] != nil {
		t.Errorf("without a document: %v", e)
	}
	if e = c.call(inspector, "explain", at+"/bob", "", 200); e["identity"] == nil {
		t.Errorf("a person: %v", e)
	}
	c.call(inspector, "explain", at+"/drafft", "", 404)
	for query, want := range map[string]string{
		"?q=lunch":                             "[open]",
		"?q=lunch&person=ann":                  "[closed open]",
		"?q=lunch&person=BOB@example.com":      "[open]",
		"?person=ann":                          "[closed open]",
		"?person=ann&page=2":                   "[]",
		"?q=draft&person=ann":                  "[]",
		"?q=noon&person=Ann+<ann@example.com>": "[open]",
	} {
		found := c.call(inspector, "search", "/pipelines/handbook/search"+strings.ReplaceAll(query, " ", "+"), "", 200)
		var refs []string
		for _, d := range found["documents"].([]any) {
			refs = append(refs, d.(map[string]any)["ref"].(string))
		}
		if slices.Sort(refs); fmt.Sprint(refs) != want {
			t.Errorf("%s finds %v, want %s", query, refs, want)
		}
	}
	c.call(inspector, "search", "/pipelines/handbook/search?person=zoe", "", 404)
	c.call(inspector, "search", "/pipelines/handbook/search?page=0", "", 400)
	if now := c.call(inspector, "readDocuments", at, "", 202); now["reading"] != true {
		t.Errorf("while they are read again: %v", now)
	}
	got := acts(c, "documents")
	if len(got) != 16 || got[0] != "read documents to search " || got[0] != got[15] {
		t.Errorf("the audit log: %q", got)
	}
	for _, want := range []string{"open a document closed as Ann <ann@example.com>", "open a document draft",
		"open a document open as zoe", "open a document drafft", "search as zoe", "search lunch as Any user",
		"search lunch as Ann <ann@example.com>"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in the audit log: %q", want, got)
		}
	}
}

// acts returns what a token did, by the audit log, the first first.
func acts(c *client, who string) []string {
	c.t.Helper()
	all, err := c.world.Server.History.Actions(c.t.Context(), c.world.Name, 0, 500)
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	for _, a := range slices.Backward(all) {
		if a.Who == who {
			out = append(out, a.Action+" "+a.Detail)
		}
	}
	return out
}

// TestDocumentsWithoutSecrets: no answer has a secret, and there is none without an entry in the
// audit log.
func TestDocumentsWithoutSecrets(t *testing.T) {
	c := newClientWith(t, handbook, func(o *serve.Options) {
		o.Job.Secrets = &redact.Redactor{}
		o.Job.Secrets.Add("CANARY-SECRET-1")
	})
	writeGuide(t, c.world)
	inspector := c.token("inspector", signin.Inspect)
	paths := []string{"/pipelines/handbook/documents/closed", "/pipelines/handbook/search?q=canary&person=ann"}
	for _, path := range paths {
		resp := c.send(inspector, "GET", path, "")
		if text := c.text(resp); resp.StatusCode != 200 || strings.Contains(text, "CANARY") ||
			!strings.Contains(text, "lunch with [redacted]") {
			t.Errorf("%s: %s: %s", path, resp.Status, text)
		}
	}
	if err := c.world.Server.History.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		resp := c.send(inspector, "GET", path, "")
		if text := c.text(resp); resp.StatusCode != 500 || strings.Contains(text, "lunch") {
			t.Errorf("%s without an audit log: %s: %s", path, resp.Status, text)
		}
	}
	for _, path := range []string{"/pipelines/handbook/documents/clos", "/pipelines/handbook/search?person=zoe"} {
		resp := c.send(inspector, "GET", path, "")
		if text := c.text(resp); resp.StatusCode != 500 || strings.Contains(text, "closed") || strings.Contains(text, "zoe") {
			t.Errorf("%s, a miss without an audit log: %s: %s", path, resp.Status, text)
		}
	}
}

// TestDocumentsUnread: documents that cannot be read are an error that says why, for a minute.
func TestDocumentsUnread(t *testing.T) {
	c := newClient(t, handbook)
	inspector := c.token("inspector", signin.Inspect)
	if err := os.Remove(c.world.Records); err != nil {
		t.Fatal(err)
	}
	const path = "/pipelines/handbook/documents/open"
	for range 2 {
		failed := c.call(inspector, "explain", path, "", 502)["error"].(map[string]any)
		if failed["code"] != "unread" || !strings.Contains(failed["message"].(string), "handbook.ndjson") {
			t.Errorf("the documents cannot be read: %v", failed)
		}
	}
	if now := c.call(inspector, "documents", "/pipelines/handbook/documents", "", 200); now["error"] == nil {
		t.Errorf("the status: %v", now)
	}
	writeGuide(t, c.world)
	c.call(inspector, "explain", path, "", 502)
	if got := acts(c, "inspector"); len(got) != 1 {
		t.Errorf("they were read again within a minute: %q", got)
	}
	c.world.Settle()
	c.world.Clock.Advance(time.Minute)
	c.call(inspector, "explain", path, "", 200)
}

// TestDocumentsReading: a call that would wait for long says when to ask again.
func TestDocumentsReading(t *testing.T) {
	runs, goOn := make(chan struct{}), make(chan struct{})
	c := newClientWith(t, handbook, func(o *serve.Options) {
		o.Observe = func(*history.Run) { close(runs); <-goOn }
	})
	writeGuide(t, c.world)
	tokens, err := signin.OpenTokens(c.path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	answers := api.New(c.world.Server, tokens, nil, signin.Client)
	hasty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 50*time.Millisecond)
		defer cancel()
		answers.ServeHTTP(w, r.WithContext(ctx))
	}))
	t.Cleanup(hasty.Close)
	inspector := c.token("inspector", signin.Inspect)
	c.call(c.token("bot", signin.Trigger), "trigger", "/pipelines/handbook/runs", "", 202)
	<-runs // and holds what a reading needs
	patient := c.server
	c.server = hasty
	const path = "/pipelines/handbook/documents/open"
	for range 2 {
		now := c.call(inspector, "explain", path, "", 202)
		if now["reading"] != true || now["read"] != nil {
			t.Errorf("while a run is in the way: %v", now)
		}
	}
	resp := c.send(inspector, "GET", path, "")
	if resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s without Retry-After", resp.Status)
	}
	close(goOn)
	c.server = patient
	c.call(inspector, "explain", path, "", 200)
	if got := acts(c, "inspector"); len(got) != 2 {
		t.Errorf("they were read more than once: %q", got)
	}
}
