package api_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/api"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// pusher adds a token with the role push and others.
func (c *client) pusher(name string, r signin.Records, more ...signin.Role) string {
	return c.addToken(signin.Token{Name: name, Person: len(more) > 0, Records: r,
		Grant: signin.Grant{Roles: append(more, signin.Push), Pipelines: []string{"*"}}})
}

var ndjson = []string{"Content-Type", "application/x-ndjson"}

// set pushes a set and returns the answer to its commit.
func (c *client) set(token, lines string) map[string]any {
	c.t.Helper()
	path := "/pipelines/wiki/sets/" + c.call(token, "beginSet", "/pipelines/wiki/sets", "", 201)["id"].(string)
	c.call(token, "appendRecords", path+"/records", lines, 200, ndjson...)
	return c.call(token, "commitSet", path+"/commit", fmt.Sprintf(`{"expected": %d}`, strings.Count(lines, "\n")), 200)
}

// ended waits until the run that an answer names has ended, and returns its verdict.
func (c *client) ended(answer map[string]any) string {
	c.t.Helper()
	id, _ := answer["run"].(string)
	for range 1000 {
		if r, err := c.world.Server.History.Run(c.t.Context(), id); err == nil && !r.Ended.IsZero() {
			return r.Verdict
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatalf("the run of %v has not ended after ten seconds", answer)
	return ""
}

func (c *client) documents() string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.world.Dir, "out", "documents.ndjson"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func message(answer map[string]any) string {
	return answer["error"].(map[string]any)["message"].(string)
}

// testPush goes from an empty store to records that are delivered, and a refusal that follows.
func testPush(t *testing.T, c *client) {
	const sets, record = "/pipelines/wiki/sets", "/pipelines/wiki/records/new"
	staff := c.pusher("staff", signin.Records{Identities: true})
	wiki := c.pusher("wiki", signin.Records{Kinds: []string{"page"}})
	ann := c.pusher("ann", signin.Records{Kinds: []string{"*"}}, signin.Approve)
	bob := c.add("bob", true, "*", signin.Approve)
	added := `{"id":"new","kind":"page","name":"New page","readers":["payments"]}`

	if no := c.call(wiki, "pushRecord", record, added, 409); !strings.Contains(message(no), "no set was ever committed") {
		t.Errorf("a record before any set: %v", no)
	}
	c.set(staff, servetest.WikiPeople)
	key := []string{"Idempotency-Key", "begin-1"}
	begun := c.call(wiki, "beginSet", sets, "{}", 201, key...)
	if again := c.call(wiki, "beginSet", sets, "{}", 201, key...); again["id"] != begun["id"] {
		t.Errorf("a repeated request began another set: %v, %v", begun, again)
	}
	c.call(wiki, "beginSet", sets, `{"kinds": ["page"]}`, 409, key...)
	set := sets + "/" + begun["id"].(string)
	bad := c.call(wiki, "appendRecords", set+"/records", servetest.WikiPages(1, 0)+`{"id":"x"`, 422, ndjson...)
	if bad["error"].(map[string]any)["line"] != 2.0 {
		t.Errorf("a bad second line: %v", bad)
	}
	c.call(wiki, "appendRecords", set+"/records", "{}", 400)
	large := servetest.WikiPages(100, 60) +
		`{"id":"long","kind":"page","name":"Long","public":true,"notes":"` + strings.Repeat("x", 2<<20) + `"}` + "\n"
	c.call(wiki, "appendRecords", set+"/records", large, 200, ndjson...)
	c.call(staff, "appendRecords", set+"/records", servetest.WikiPeople, 404, ndjson...)
	if no := c.call(wiki, "commitSet", set+"/commit", `{"expected": 100}`, 409); !strings.Contains(message(no), "101") {
		t.Errorf("another number: %v", no)
	}
	c.call(wiki, "commitSet", set+"/commit", "{}", 400)
	done := c.call(wiki, "commitSet", set+"/commit", `{"expected": 101}`, 200, "Idempotency-Key", "commit-1")
	if verdict := c.ended(done); verdict != "delivered" || strings.Count(c.documents(), "\n") != 101 {
		t.Errorf("%s with %d lines:\n%.2000s", verdict, strings.Count(c.documents(), "\n"), c.documents())
	}
	again := c.call(wiki, "commitSet", set+"/commit", `{"expected": 101}`, 200, "Idempotency-Key", "commit-1")
	if again["generation"] != done["generation"] {
		t.Errorf("a repeated commit: %v, %v", done, again)
	}
	c.ended(again)

	c.ended(c.call(wiki, "pushRecord", record, added, 200))
	if got := c.documents(); !strings.Contains(got, "New page") || strings.Count(got, `"groups":["payments"]`) != 61 {
		t.Errorf("the pushed record is not delivered for its readers:\n%.2000s", got)
	}
	if same := c.call(wiki, "pushRecord", record, added, 200); same["run"] != nil || same["changed"] != false {
		t.Errorf("the same record again: %v", same)
	}
	c.call(wiki, "pushRecord", "/pipelines/wiki/records/other", added, 422)
	c.call(wiki, "pushRecord", record, strings.Repeat(" ", 5<<20), 413)
	c.ended(c.call(wiki, "deleteRecord", record, "", 200))
	if strings.Contains(c.documents(), "New page") {
		t.Error("the deleted record is published")
	}
	open := sets + "/" + c.call(wiki, "beginSet", sets, "", 201)["id"].(string)
	c.call(wiki, "abortSet", open, "", 200)
	c.call(wiki, "abortSet", open, "", 404)

	if verdict := c.ended(c.set(ann, servetest.WikiPages(40, 40))); verdict != "refused" {
		t.Fatalf("a set without most pages: %s", verdict)
	}
	refusal := c.call(bob, "refusal", "/pipelines/wiki/refusal", "", 200)
	approval := "/pipelines/wiki/refusals/" + refusal["id"].(string) + "/approval"
	if no := c.call(ann, "approve", approval, "", 403); !strings.Contains(message(no), "another person must approve") {
		t.Errorf("the refusal of what ann pushed: %v", no)
	}
	c.call(wiki, "approve", approval, "", 403)
	c.ended(c.call(bob, "approve", approval, "", 200))
	if got := c.documents(); strings.Count(got, "\n") != 40 {
		t.Errorf("the approved pages: %.2000s", got)
	}
	var acts []string
	for _, a := range c.call(bob, "actions", "/pipelines/wiki/actions", "", 200)["actions"].([]any) {
		acts = append(acts, a.(map[string]any)["who"].(string)+" "+a.(map[string]any)["action"].(string))
	}
	for _, want := range []string{"wiki begin a set", "wiki commit a set", "wiki push a record", "wiki delete a record",
		"wiki abort a set", "staff commit a set", "ann commit a set"} {
		if !slices.Contains(acts, want) {
			t.Errorf("%s is not among the actions %v", want, acts)
		}
	}
}

// TestPushLimits: a token pushes what it lists and nothing else.
func TestPushLimits(t *testing.T) {
	c := newClient(t, wiki)
	staff := c.pusher("staff", signin.Records{Identities: true})
	c.set(staff, servetest.WikiPeople)
	page := `{"id":"a","kind":"page","name":"A","public":true}`
	for _, tt := range []struct {
		name    string
		records signin.Records
		line    string
		status  int
		want    string
	}{
		{"its kind", signin.Records{Kinds: []string{"page"}}, page, 200, ""},
		{"another kind", signin.Records{Kinds: []string{"blog"}}, page, 403, "outside the token"},
		{"another namespace", signin.Records{Kinds: []string{"page"}, Namespaces: []string{"x"}}, page, 422, "no namespaces"},
		{"people with all kinds", signin.Records{Kinds: []string{"*"}}, servetest.WikiPeople, 403, "person"},
		{"people by name", signin.Records{Kinds: []string{"person", "team"}}, servetest.WikiPeople, 403, "person"},
		{"people", signin.Records{Identities: true}, servetest.WikiPeople, 200, ""},
		{"pages with people", signin.Records{Identities: true}, page, 403, "outside the token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token := c.pusher(tt.name, tt.records)
			resp := c.send(token, "POST", "/pipelines/wiki/sets", "")
			text := c.text(resp)
			if resp.StatusCode == 201 {
				_, id, _ := strings.Cut(text, `"id":"`)
				id, _, _ = strings.Cut(id, `"`)
				resp = c.send(token, "POST", "/pipelines/wiki/sets/"+id+"/records", tt.line, ndjson...)
				text = c.text(resp)
			}
			if resp.StatusCode != tt.status || !strings.Contains(text, tt.want) {
				t.Errorf("%s, want %d with %q: %s", resp.Status, tt.status, tt.want, text)
			}
			c.call(token, "trigger", "/pipelines/wiki/runs", "", 403)
			c.call(token, "runs", "/pipelines/wiki/runs", "", 403)
		})
	}
	person := `{"id":"ann","kind":"person","name":"Ann","mail":"eve@example.com"}`
	c.call(staff, "pushRecord", "/pipelines/wiki/records/ann", person, 403)
	all := c.pusher("all", signin.Records{Kinds: []string{"*"}})
	c.call(all, "pushRecord", "/pipelines/wiki/records/ann", person, 403)
	c.call(all, "deleteRecord", "/pipelines/wiki/records/ann", "", 403)
	c.call(c.token("bot", signin.Trigger), "beginSet", "/pipelines/wiki/sets", "", 403)
	for _, r := range c.world.Runs() {
		for _, asked := range r.Asked {
			if asked.By != "staff" {
				t.Errorf("%s asked for a run", asked.By)
			}
		}
	}
}

// TestPushRestart: records that were pushed when no run could follow are read by the next server.
func TestPushRestart(t *testing.T) {
	c := newClient(t, wiki)
	c.ended(c.set(c.pusher("staff", signin.Records{Identities: true}), servetest.WikiPeople))
	c.world.Clock.Advance(time.Minute)
	c.ended(c.call(c.token("bot", signin.Trigger), "trigger", "/pipelines/wiki/runs", "", 202))
	restart := func() {
		c.world.End()
		c.world.Start()
		c.world.Settle()
	}
	restart()
	if runs := c.world.Runs(); len(runs) != 2 {
		t.Fatalf("a restart began a run: there are %d", len(runs))
	}
	c.world.Clock.Advance(time.Minute)
	if err := c.world.Server.History.Act(t.Context(), history.Action{At: c.world.Clock.Now(), Who: "staff",
		Action: serve.ActCommitSet, Pipeline: "wiki"}); err != nil {
		t.Fatal(err)
	}
	restart()
	if last := c.world.Ended(3)[0]; last.Asked[0].How != serve.ByMissed {
		t.Errorf("the run after the restart: %+v", last.Asked)
	}
}

// TestPushDuringRun: a run that has begun does not answer a push.
func TestPushDuringRun(t *testing.T) {
	observed, goOn := make(chan string), make(chan struct{})
	c := newClientWith(t, wiki, func(o *serve.Options) {
		o.Observe = func(r *history.Run) { observed <- r.ID; <-goOn }
	})
	first := c.set(c.pusher("staff", signin.Records{Identities: true}), servetest.WikiPeople)
	<-observed // the run is still the current one
	second := c.set(c.pusher("wiki", signin.Records{Kinds: []string{"page"}}), servetest.WikiPages(2, 1))
	close(goOn)
	if first["run"] == second["run"] || <-observed != second["run"] {
		t.Errorf("the runs of two pushes: %v, %v", first, second)
	}
}

// TestPushedUnseen: whoever pushed records that a scheduled run reads cannot approve its refusal.
func TestPushedUnseen(t *testing.T) {
	c := newClient(t, handbook)
	bot, carl := c.token("bot", signin.Trigger), c.add("carl", true, "*", signin.Approve)
	c.ended(c.call(bot, "trigger", "/pipelines/handbook/runs", "", 202))
	c.world.Clock.Advance(time.Minute)
	if err := c.world.Server.History.Act(t.Context(), history.Action{At: c.world.Clock.Now(), Who: "carl",
		Action: serve.ActPushRecord, Pipeline: "handbook"}); err != nil {
		t.Fatal(err)
	}
	c.world.Write(30, 10)
	c.ended(c.call(bot, "trigger", "/pipelines/handbook/runs", `{"full": true}`, 202))
	refusal := c.call(carl, "refusal", "/pipelines/handbook/refusal", "", 200)
	no := c.call(carl, "approve", "/pipelines/handbook/refusals/"+refusal["id"].(string)+"/approval", "", 403)
	if !strings.Contains(message(no), "carl pushed records") {
		t.Errorf("the approval: %v", no)
	}
}

// TestPushAfterEdit: an edit of the pipeline file counts for the next push.
func TestPushAfterEdit(t *testing.T) {
	c := newClient(t, wiki)
	staff := c.pusher("staff", signin.Records{Identities: true})
	c.ended(c.set(staff, servetest.WikiPeople))
	text, err := os.ReadFile(c.world.File)
	if err != nil {
		t.Fatal(err)
	}
	c.world.WriteFile(strings.Replace(string(text), "  push:\n", "  push:\n    max_record: 1KiB\n", 1))
	c.world.Pass(time.Minute)
	set := "/pipelines/wiki/sets/" + c.call(staff, "beginSet", "/pipelines/wiki/sets", "", 201)["id"].(string)
	long := `{"id":"eve","kind":"person","name":"` + strings.Repeat("x", 2<<10) + `"}`
	c.call(staff, "appendRecords", set+"/records", long, 413, ndjson...)
}

// TestPushNothing: a pipeline that reads its source takes no records.
func TestPushNothing(t *testing.T) {
	c := newClient(t, handbook)
	all := c.pusher("all", signin.Records{Kinds: []string{"*"}})
	for operation, path := range map[string]string{"beginSet": "sets", "deleteRecord": "records/x", "abortSet": "sets/x"} {
		no := c.call(all, operation, "/pipelines/handbook/"+path, "", 409)
		if !strings.Contains(message(no), "reads its source; nothing can be pushed") {
			t.Errorf("%s: %v", operation, no)
		}
	}
}

// deadlines is an answer that notes the deadlines of the body.
type deadlines struct {
	*httptest.ResponseRecorder
	read []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error { d.read = append(d.read, at); return nil }

// TestSlowPush: a body has a minute, and more only as it arrives.
func TestSlowPush(t *testing.T) {
	c := newClient(t, wiki)
	staff := c.pusher("staff", signin.Records{Identities: true})
	set := c.call(staff, "beginSet", "/pipelines/wiki/sets", "", 201)["id"].(string)
	lines := servetest.WikiPeople + strings.Repeat("\n", 1<<20)
	r := httptest.NewRequestWithContext(t.Context(), "POST", api.Prefix+"/pipelines/wiki/sets/"+set+"/records",
		strings.NewReader(lines))
	r.Header.Set("Content-Type", "application/x-ndjson")
	r.Header.Set("Authorization", "Bearer "+staff)
	w, began := &deadlines{ResponseRecorder: httptest.NewRecorder()}, time.Now()
	c.server.Config.Handler.ServeHTTP(w, r)
	if w.Code != 200 || len(w.read) < 2 {
		t.Fatalf("%d with %d deadlines: %s", w.Code, len(w.read), w.Body)
	}
	first, last := w.read[0].Sub(began), w.read[len(w.read)-1].Sub(began)
	if first > time.Minute+10*time.Second || last < 2*time.Minute-10*time.Second || last > 2*time.Minute+20*time.Second {
		t.Errorf("a body of 1 MiB has %s at first and %s at the end", first, last)
	}
}

// TestPushedSearch: a pushed record is found by its readers and by no one else.
func TestPushedSearch(t *testing.T) {
	c := newClient(t, wiki)
	c.set(c.pusher("staff", signin.Records{Identities: true}), servetest.WikiPeople)
	page := `{"id":"secret","kind":"page","name":"Ledger","readers":["payments"]}` + "\n"
	c.ended(c.set(c.pusher("wiki", signin.Records{Kinds: []string{"page"}}), page))
	p := c.world.Server.Pipeline("wiki")
	if err := p.ReadIndex(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if s := p.SearchStatus(); !s.Reading {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	index, release := p.Index()
	defer release()
	if index == nil {
		t.Fatalf("no index: %+v", p.SearchStatus())
	}
	for who, want := range map[string]int{"ann@example.com": 1, "bob@example.com": 0} {
		person, _, found := index.Pick(who)
		if !found {
			t.Fatalf("%s is not known", who)
		}
		got, err := index.Search(t.Context(), preview.Query{Text: "ledger", Person: person, View: preview.After})
		if err != nil || got.Total != want {
			t.Errorf("%s finds %+v, %v", who, got, err)
		}
	}
}
