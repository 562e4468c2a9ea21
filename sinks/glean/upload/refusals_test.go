package upload_test

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
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/operate"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// refuse makes the server refuse the pages of a path that hold a text.
func refuse(f *gleantest.Fixture, path, text string) {
	f.Server.Fail(faults.Fault{Path: path, Match: gleantest.Holding(text), Status: http.StatusBadRequest,
		Body: "request blocked"})
}

// ended counts the uploads of a stream that were ended.
func ended(f *gleantest.Fixture, stream string) (n int) {
	for _, u := range f.Index().Uploads {
		if u.Stream == stream && !u.Ended.IsZero() {
			n++
		}
	}
	return n
}

// TestNothingAccepted: an upload is not ended if everything was refused, however few items
// it had, so it deletes nothing.
func TestNothingAccepted(t *testing.T) {
	for path, tc := range map[string]struct{ text, stream string }{
		"/bulkindexusers":     {`"email"`, "users"},
		"/bulkindexgroups":    {`"name"`, "groups"},
		"/bulkindexdocuments": {`"viewURL"`, "documents"},
	} {
		f := gleantest.Start(t, sandbox.Rules{})
		items := append(gleantest.Docs(3), gleantest.User("ann"), gleantest.User("bob"),
			gleantest.Group("a", "user:default/ann"), gleantest.Group("b"))
		if err := f.Run(items...); err != nil {
			t.Fatal(err)
		}
		refuse(f, path, tc.text)
		err := f.Run(items...)
		i := f.Index()
		if err == nil || fault.RemedyOf(err) == "" || !strings.Contains(err.Error(), "rejects all") ||
			ended(f, tc.stream) != 1 {
			t.Errorf("%s: %v, ended %d times", tc.stream, err, ended(f, tc.stream))
		}
		if len(i.Documents) != 3 || len(i.Users) != 2 || len(i.Groups) != 2 || len(i.Memberships["group:default/a"]) != 1 {
			t.Errorf("%s: %d documents, %d users, %d groups are left", tc.stream, len(i.Documents), len(i.Users), len(i.Groups))
		}
	}
}

// TestTooMuch: when the guards report that too much was refused, the upload is left
// unfinished.
func TestTooMuch(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	if err := f.Run(append(gleantest.Docs(23), gleantest.User("ann"))...); err != nil {
		t.Fatal(err)
	}
	refuse(f, gleantest.DocumentsPath, `d011"`)
	f.TooMuch = errors.New("too much")
	if err := f.Run(append(gleantest.Docs(22), gleantest.User("ann"))...); !errors.Is(err, f.TooMuch) ||
		f.Unfinished() != "documents" ||
		len(f.IDs()) != 23 {
		t.Errorf("%v, unfinished %q, %d documents", err, f.Unfinished(), len(f.IDs()))
	}
}

// TestRefusedKeepsTheGuard: Glean's guard on deletion is lifted for deletions that the
// engine's guards have seen, not for items refused since.
func TestRefusedKeepsTheGuard(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	if err := f.Run(append(gleantest.Docs(40), gleantest.User("ann"))...); err != nil {
		t.Fatal(err)
	}
	refuse(f, gleantest.DocumentsPath, `d011"`)
	if err := f.Run(append(gleantest.Docs(30), gleantest.User("ann"))...); err != nil ||
		f.Stage("documents") != component.UploadDeletionPaused || len(f.IDs()) != 40 {
		t.Errorf("%v, %d documents", err, len(f.IDs()))
	}
}

// TestCountsMustAgree: a stage that gives fewer items than were planned ends no
// upload.
func TestCountsMustAgree(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read(append(gleantest.Docs(12), gleantest.User("ann"))...)
	if _, err := s.Holds(t.Context()); err != nil {
		t.Fatal(err)
	}
	plan := f.Plan()
	plan.Stream("documents").Count++
	if err := s.Publish(t.Context(), plan); err == nil || !strings.Contains(err.Error(),
		"12 of 13 items were sent, 0 refused and 0 hidden") || f.Unfinished() != "documents" {
		t.Errorf("%v, unfinished %q", err, f.Unfinished())
	}
}

// TestTooLargeOften: an item that is too large does not count as a repeated reason, and the
// other items are sent.
func TestTooLargeOften(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: gleantest.Holding(`about d00`),
		Status: http.StatusRequestEntityTooLarge})
	if err := f.Run(append(gleantest.Docs(23), gleantest.User("ann"))...); err != nil || len(f.Rejected) != 10 ||
		len(f.IDs()) != 13 {
		t.Errorf("%v, rejected %v", err, f.Rejected)
	}
}

// TestRefusedMember: a member that Glean refuses leaves its group unchanged.
func TestRefusedMember(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	items := []*component.Item{gleantest.User("ann"), gleantest.User("bob"),
		gleantest.Group("a", "user:default/ann", "user:default/bob"),
		gleantest.Group("b", "user:default/bob"), gleantest.Doc("a", "group:default/a")}
	if err := f.Run(items...); err != nil {
		t.Fatal(err)
	}
	refuse(f, "/bulkindexmemberships", `"memberUserId":"ann`)
	err := f.Run(items...)
	if err == nil || !strings.Contains(err.Error(), "group:default/a") ||
		!strings.Contains(err.Error(), "request blocked") || fault.RemedyOf(err) == "" {
		t.Errorf("%v", err)
	}
	if m := f.Index().Memberships["group:default/a"]; len(m) != 2 || f.Made("bulkindexdocuments") != 0 {
		t.Errorf("%v, %v", m, f.Requests)
	}
	f.Server.Heal()
	if err := f.Run(items...); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

// TestRefusedUser: a refused user is not a member, and the rest of the group is uploaded.
func TestRefusedUser(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{RefuseUnknownPrincipals: true})
	refuse(f, "/bulkindexusers", `ann@x.example`)
	if err := f.Run(gleantest.User("ann"), gleantest.User("bob"),
		gleantest.Group("a", "user:default/ann", "user:default/bob")); err != nil ||
		len(f.Index().Memberships["group:default/a"]) != 1 {
		t.Errorf("%v, %v", err, f.Index().Memberships)
	}
}

// TestLateFirstPage: a first page that discards, which a gateway gave up on, arrives while
// the upload of its second attempt is running.
func TestLateFirstPage(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	if err := f.Run(append(gleantest.Docs(23), gleantest.User("ann"))...); err != nil {
		t.Fatal(err)
	}
	f.Begin("pipe-documents-" + f.RunID())
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Page: faults.FirstPage, Status: http.StatusGatewayTimeout,
		Times: 1})
	var late []byte
	var once sync.Once
	f.Watch(func(e sandbox.Exchange) {
		switch {
		case !strings.HasSuffix(e.Path, gleantest.DocumentsPath):
		case e.Status == http.StatusGatewayTimeout:
			late = bytes.Clone(e.Body)
		case !bytes.Contains(e.Body, []byte(`"isFirstPage"`)):
			once.Do(func() { f.PostBody(e.Path, late) })
		}
	})
	err := f.Run(append(gleantest.Docs(23), gleantest.User("ann"))...)
	if err == nil || !strings.Contains(err.Error(), "another upload has replaced this one") || len(f.Rejected) != 0 ||
		len(f.IDs()) != 23 || f.Unfinished() != "documents" {
		t.Errorf("%v, rejected %v, %d documents, unfinished %q", err, f.Rejected, len(f.IDs()), f.Unfinished())
	}
	if !bytes.Contains(late, []byte(`"forceRestartUpload":true`)) {
		t.Errorf("nothing came late: %.200s", late)
	}
	f.Watch(nil)
	if err := f.Run(append(gleantest.Docs(23), gleantest.User("ann"))...); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

// TestNewIDs: each attempt at a first page that discards has its own id.
func TestNewIDs(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{RefuseReusedUploadIDs: true})
	f.Begin("pipe-documents-" + f.RunID())
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Page: faults.FirstPage, LoseAnswer: true, Times: 2})
	if err := f.Run(append(gleantest.Docs(12), gleantest.User("ann"))...); err != nil || len(f.IDs()) != 12 {
		t.Fatalf("%v, %d documents", err, len(f.IDs()))
	}
	ids := map[string]bool{}
	for _, u := range f.Index().Uploads {
		if u.Stream == "documents" {
			ids[u.ID] = true
		}
	}
	if len(ids) != 4 {
		t.Errorf("ids: %v", ids)
	}
}

// TestAnswerShown: what Glean answers with is shown without the token, on one line,
// and short.
func TestAnswerShown(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Begin("secret-token \n\x1b[31m " + strings.Repeat("x", 300))
	err := f.Run(gleantest.User("ann"))
	if err == nil || !strings.Contains(err.Error(), "not by this pipeline, is unfinished: [redacted]") ||
		strings.ContainsAny(err.Error(), "\n\x1b") || strings.Count(err.Error(), "x") > api.MaxReadable {
		t.Errorf("%v", err)
	}
	f.Server.Fail(faults.Fault{Path: "/getdatasourceconfig", Status: 200,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body: fmt.Sprintf(`{"name":"backstage","isUserReferencedByEmail":true,"urlRegex":"Bearer secret-token %s"}`,
			strings.Repeat("y", 300))})
	_, err = f.Read().Holds(t.Context())
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
