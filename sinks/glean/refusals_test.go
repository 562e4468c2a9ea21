package glean

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/operate"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// refuse makes the server refuse the pages of a path that hold a text.
func (f *fixture) refuse(path, text string) {
	f.server.Fail(faults.Fault{Path: path, Match: holds(text), Status: http.StatusBadRequest, Body: "request blocked"})
}

// ended counts the uploads of a stream that were ended.
func (f *fixture) ended(stream string) (n int) {
	for _, u := range f.index().Uploads {
		if u.Stream == stream && !u.Ended.IsZero() {
			n++
		}
	}
	return n
}

// TestNothingAccepted: an upload of which everything was refused is not ended,
// so that nothing goes for it, however few items it had.
func TestNothingAccepted(t *testing.T) {
	for path, tc := range map[string]struct{ text, stream string }{
		"/bulkindexusers":     {`"email"`, "users"},
		"/bulkindexgroups":    {`"name"`, "groups"},
		"/bulkindexdocuments": {`"viewURL"`, "documents"},
	} {
		f := start(t, sandbox.Rules{})
		items := append(docs(3), user("ann"), user("bob"), group("a", "user:default/ann"), group("b"))
		if err := f.run(items...); err != nil {
			t.Fatal(err)
		}
		f.refuse(path, tc.text)
		err := f.run(items...)
		i := f.index()
		if err == nil || fault.RemedyOf(err) == "" || !strings.Contains(err.Error(), "refuses every one of the") ||
			f.ended(tc.stream) != 1 {
			t.Errorf("%s: %v, ended %d times", tc.stream, err, f.ended(tc.stream))
		}
		if len(i.Documents) != 3 || len(i.Users) != 2 || len(i.Groups) != 2 || len(i.Memberships["group:default/a"]) != 1 {
			t.Errorf("%s: %d documents, %d users, %d groups are left", tc.stream, len(i.Documents), len(i.Users), len(i.Groups))
		}
	}
}

// TestTooMuch: when the guards say that too much was refused, the upload is
// left unfinished.
func TestTooMuch(t *testing.T) {
	f := start(t, sandbox.Rules{})
	if err := f.run(append(docs(23), user("ann"))...); err != nil {
		t.Fatal(err)
	}
	f.refuse(documentsPath, `d011"`)
	f.tooMuch = errors.New("too much")
	if err := f.run(append(docs(22), user("ann"))...); !errors.Is(err, f.tooMuch) || f.unfinished() != "documents" ||
		len(f.ids()) != 23 {
		t.Errorf("%v, unfinished %q, %d documents", err, f.unfinished(), len(f.ids()))
	}
}

// TestRefusedKeepsTheGuard: Glean's guard on deletion is lifted for what the
// engine's guards have seen, not for what was refused since.
func TestRefusedKeepsTheGuard(t *testing.T) {
	f := start(t, sandbox.Rules{})
	if err := f.run(append(docs(40), user("ann"))...); err != nil {
		t.Fatal(err)
	}
	f.refuse(documentsPath, `d011"`)
	if err := f.run(append(docs(30), user("ann"))...); err != nil ||
		f.stage("documents") != component.UploadDeletionPaused || len(f.ids()) != 40 {
		t.Errorf("%v, %d documents", err, len(f.ids()))
	}
}

// TestCountsMustAgree: a stage that gives fewer items than were planned ends no
// upload.
func TestCountsMustAgree(t *testing.T) {
	f := start(t, sandbox.Rules{})
	s := f.read(append(docs(12), user("ann"))...)
	if _, err := s.Holds(t.Context()); err != nil {
		t.Fatal(err)
	}
	plan := f.plan(s)
	plan.Stream("documents").Count++
	if err := s.Publish(t.Context(), plan); err == nil || !strings.Contains(err.Error(),
		"12 of 13 items were sent, 0 refused and 0 hidden") || f.unfinished() != "documents" {
		t.Errorf("%v, unfinished %q", err, f.unfinished())
	}
}

// TestTooLargeOften: an item that is too large is so for itself, and the rest
// goes on however many there are.
func TestTooLargeOften(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.server.Fail(faults.Fault{Path: documentsPath, Match: holds(`about d00`), Status: http.StatusRequestEntityTooLarge})
	if err := f.run(append(docs(23), user("ann"))...); err != nil || len(f.rejected) != 10 || len(f.ids()) != 13 {
		t.Errorf("%v, rejected %v", err, f.rejected)
	}
}

// TestRefusedMember: a member that Glean refuses leaves its group as it is.
func TestRefusedMember(t *testing.T) {
	f := start(t, sandbox.Rules{})
	items := []*component.Item{user("ann"), user("bob"), group("a", "user:default/ann", "user:default/bob"),
		group("b", "user:default/bob"), doc("a", "group:default/a")}
	if err := f.run(items...); err != nil {
		t.Fatal(err)
	}
	f.refuse("/bulkindexmemberships", `"memberUserId":"ann`)
	err := f.run(items...)
	if err == nil || !strings.Contains(err.Error(), "group:default/a") ||
		!strings.Contains(err.Error(), "request blocked") || fault.RemedyOf(err) == "" {
		t.Errorf("%v", err)
	}
	if m := f.index().Memberships["group:default/a"]; len(m) != 2 || f.made("bulkindexdocuments") != 0 {
		t.Errorf("%v, %v", m, f.requests)
	}
	f.server.Heal()
	if err := f.run(items...); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

// TestRefusedUser: who was refused as a user is no member, and that is no
// reason to leave the group as it is.
func TestRefusedUser(t *testing.T) {
	f := start(t, sandbox.Rules{RefuseUnknownPrincipals: true})
	f.refuse("/bulkindexusers", `ann@x.example`)
	if err := f.run(user("ann"), user("bob"), group("a", "user:default/ann", "user:default/bob")); err != nil ||
		len(f.index().Memberships["group:default/a"]) != 1 {
		t.Errorf("%v, %v", err, f.index().Memberships)
	}
}

// TestLateFirstPage: a first page that discards, which a gateway gave up on,
// gets through while the upload of its second attempt is under way.
func TestLateFirstPage(t *testing.T) {
	f := start(t, sandbox.Rules{})
	if err := f.run(append(docs(23), user("ann"))...); err != nil {
		t.Fatal(err)
	}
	f.begin("pipe-documents-" + f.runID())
	f.server.Fail(faults.Fault{Path: documentsPath, Page: faults.FirstPage, Status: http.StatusGatewayTimeout, Times: 1})
	var late []byte
	var once sync.Once
	f.observe = func(e sandbox.Exchange) {
		switch {
		case !strings.HasSuffix(e.Path, documentsPath):
		case e.Status == http.StatusGatewayTimeout:
			late = bytes.Clone(e.Body)
		case !bytes.Contains(e.Body, []byte(`"isFirstPage"`)):
			once.Do(func() { f.postBody(e.Path, late) })
		}
	}
	err := f.run(append(docs(23), user("ann"))...)
	if err == nil || !strings.Contains(err.Error(), "another has taken its place") || len(f.rejected) != 0 ||
		len(f.ids()) != 23 || f.unfinished() != "documents" {
		t.Errorf("%v, rejected %v, %d documents, unfinished %q", err, f.rejected, len(f.ids()), f.unfinished())
	}
	if !bytes.Contains(late, []byte(`"forceRestartUpload":true`)) {
		t.Errorf("nothing came late: %.200s", late)
	}
	f.observe = nil
	if err := f.run(append(docs(23), user("ann"))...); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

// TestNewIDs: each attempt at a first page that discards has an id of its own.
func TestNewIDs(t *testing.T) {
	f := start(t, sandbox.Rules{RefuseReusedUploadIDs: true})
	f.begin("pipe-documents-" + f.runID())
	f.server.Fail(faults.Fault{Path: documentsPath, Page: faults.FirstPage, LoseAnswer: true, Times: 2})
	if err := f.run(append(docs(12), user("ann"))...); err != nil || len(f.ids()) != 12 {
		t.Fatalf("%v, %d documents", err, len(f.ids()))
	}
	ids := map[string]bool{}
	for _, u := range f.index().Uploads {
		if u.Stream == "documents" {
			ids[u.ID] = true
		}
	}
	if len(ids) != 4 {
		t.Errorf("ids: %v", ids)
	}
}

// TestForeign: what Glean answers with is shown without the token, on one line,
// and short.
func TestForeign(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.begin("secret-token \n\x1b[31m " + strings.Repeat("x", 300))
	err := f.run(user("ann"))
	if err == nil || !strings.Contains(err.Error(), "not of this pipeline is not finished: [redacted]") ||
		strings.ContainsAny(err.Error(), "\n\x1b") || strings.Count(err.Error(), "x") > api.MaxReadable {
		t.Errorf("%v", err)
	}
	f.server.Fail(faults.Fault{Path: "/getdatasourceconfig", Status: 200,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body: fmt.Sprintf(`{"name":"backstage","isUserReferencedByEmail":true,"urlRegex":"Bearer secret-token %s"}`,
			strings.Repeat("y", 300))})
	_, err = f.read().Holds(t.Context())
	if err == nil || strings.Contains(err.Error(), "secret-token") ||
		!strings.Contains(err.Error(), "and Bearer [redacted] yyy") || strings.Count(err.Error(), "y") > api.MaxReadable {
		t.Errorf("%v", err)
	}
	for in, want := range map[string]string{"UPLOAD COMPLETED": "upload completed", "secret-token": "unknown state",
		"": "unknown state"} {
		if got := operate.StateName(in); got != want {
			t.Errorf("%q is %q", in, got)
		}
	}
}
