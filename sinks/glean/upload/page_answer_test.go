package upload_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestDamagedStage: an upload whose items cannot all be read is left unfinished,
// wherever among its pages that shows (invariant 1).
func TestDamagedStage(t *testing.T) {
	damaged := errors.New("the stage is damaged")
	for _, records := range []int{0, 1, 5, 12, 22} {
		f := gleantest.Start(t, sandbox.Rules{})
		s := f.Read(append(gleantest.Docs(23), gleantest.User("ann"))...)
		if _, err := s.Holds(t.Context()); err != nil {
			t.Fatal(err)
		}
		plan := f.Plan()
		staged := plan.Stream(api.StreamDocuments)
		staged.Items = failsAfter(staged.Items, records, damaged)
		if err := s.Publish(t.Context(), plan); !errors.Is(err, damaged) || len(f.IDs()) != 0 {
			t.Errorf("after %d documents: %v, %d are found", records, err, len(f.IDs()))
		}
		for _, u := range f.Index().Uploads {
			if u.Stream == api.StreamDocuments && !u.Ended.IsZero() {
				t.Errorf("after %d documents the upload was ended", records)
			}
		}
	}
}

// TestEmptyPageRefused: a refusal of a page without items is about no item. It is
// the error of the upload, and the page is not cut any further.
func TestEmptyPageRefused(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		f := gleantest.Start(t, sandbox.Rules{})
		f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Status: status, Body: "no"})
		s := f.Read(gleantest.User("ann"))
		if _, err := s.Holds(ctx); err != nil {
			t.Fatal(err)
		}
		err := s.Publish(ctx, f.Plan())
		if api.StatusOf(err) != status || ctx.Err() != nil || len(f.Rejected) != 0 || f.Made("bulkindexdocuments") > 3 {
			t.Errorf("%d: %v after %d requests, rejected %v", status, err, f.Made("bulkindexdocuments"), f.Rejected)
		}
	}
}

// TestTooLargeFirst: an item that is too large for its own request is not sent again to
// check whether the upload is open.
func TestTooLargeFirst(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Batch.Documents = 1 })
	large := 0
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Status: http.StatusRequestEntityTooLarge,
		Match: func(b []byte) bool {
			found := gleantest.Holding(`about d000"`)(b)
			if found {
				large++
			}
			return found
		}})
	if err := f.Run(append(gleantest.Docs(3), gleantest.User("ann"))...); err != nil || len(f.IDs()) != 2 || large != 1 ||
		len(f.Rejected) != 1 {
		t.Errorf("%v, %v, sent %d times, rejected %v", err, f.IDs(), large, f.Rejected)
	}
}

// TestTooMuchIsRefused: once the engine reports that Glean refuses too much, the upload is
// left unfinished, on any page (invariant 4).
func TestTooMuchIsRefused(t *testing.T) {
	tooMuch := errors.New("more than the guards allow")
	// on the first, a middle and the last page, where it is alone
	for _, refused := range []string{"d002", "d007", "d020"} {
		f := gleantest.Start(t, sandbox.Rules{})
		f.TooMuch = tooMuch
		f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: gleantest.Holding("about " + refused + `"`),
			Status: http.StatusBadRequest, Body: "Bad content"})
		if err := f.Run(append(gleantest.Docs(21), gleantest.User("ann"))...); !errors.Is(err, tooMuch) ||
			len(f.IDs()) != 0 ||
			f.Unfinished() != api.StreamDocuments {
			t.Errorf("%s: %v, %d documents, unfinished %q", refused, err, len(f.IDs()), f.Unfinished())
		}
	}
}

// TestErrorAfterTheEffect: an answer with an error to a last page that took effect
// is settled by Glean's status, also where the request is not sent again.
func TestErrorAfterTheEffect(t *testing.T) {
	for _, status := range []int{http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusNotImplemented,
		http.StatusHTTPVersionNotSupported} {
		f := gleantest.Start(t, sandbox.Rules{})
		f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Page: faults.LastPage, Times: 1, Status: status,
			TakesEffect: true})
		if err := f.Run(append(gleantest.Docs(23), gleantest.User("ann"))...); err != nil || len(f.IDs()) != 23 ||
			f.Unfinished() != "" {
			t.Errorf("%d: %v, %d documents, unfinished %q", status, err, len(f.IDs()), f.Unfinished())
		}
	}
}

// TestInconclusiveErrors: an error that is neither a refusal of the page nor a
// lost answer to a last page ends the upload at once: no other request is made
// about it.
func TestInconclusiveErrors(t *testing.T) {
	for _, tc := range []struct {
		page         faults.PageKind
		status       int
		pages, asked int // requests of documents, and of the status after the review
	}{
		{faults.FirstPage, http.StatusForbidden, 1, 0},
		{faults.FirstPage, http.StatusServiceUnavailable, 6, 0},
		{faults.LastPage, http.StatusForbidden, 3, 0},
	} {
		f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Concurrency = 1 })
		s := f.Read(append(gleantest.Docs(11), gleantest.User("ann"))...)
		if _, err := s.Holds(t.Context()); err != nil {
			t.Fatal(err)
		}
		reviewed := f.Made("debug/backstage/status")
		f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Page: tc.page, Status: tc.status})
		err := s.Publish(t.Context(), f.Plan())
		if api.StatusOf(err) != tc.status || f.Made("bulkindexdocuments") != tc.pages ||
			f.Made("debug/backstage/status")-reviewed != tc.asked {
			t.Errorf("%+v: %v, %v", tc, err, f.Requests)
		}
	}
}

// TestRefusedInTheMiddle: a document that Glean refuses in a page between the
// first and the last is found without asking for the status.
func TestRefusedInTheMiddle(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read(append(gleantest.Docs(23), gleantest.User("ann"))...)
	if _, err := s.Holds(t.Context()); err != nil {
		t.Fatal(err)
	}
	reviewed := f.Made("debug/backstage/status")
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: gleantest.Holding(`about d012"`),
		Status: http.StatusBadRequest,
		Body:   "Bad content"})
	if err := s.Publish(t.Context(), f.Plan()); err != nil || len(f.IDs()) != 22 ||
		f.Made("debug/backstage/status") != reviewed {
		t.Errorf("%v, %d documents, %v", err, len(f.IDs()), f.Requests)
	}
}

// TestFirstAttemptCompleted: where an upload is one page, whose first attempt
// completed it and whose other attempts never arrive, Glean's status has it under
// the id of the first attempt.
func TestFirstAttemptCompleted(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	n := 0
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: func([]byte) bool { n++; return n == 1 },
		LoseAnswer: true})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: func([]byte) bool { return n > 1 }, Reset: true})
	if err := f.Run(append(gleantest.Docs(3), gleantest.User("ann"))...); err != nil || len(f.IDs()) != 3 || n < 2 {
		t.Errorf("%v after %d requests, %d documents", err, n, len(f.IDs()))
	}
}

// TestStatusFails: where the answer to a last page is lost and Glean's status fails
// as well, the upload ends at once as not delivered.
func TestStatusFails(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read(append(gleantest.Docs(12), gleantest.User("ann"))...)
	if _, err := s.Holds(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Page: faults.LastPage, LoseAnswer: true})
	f.Server.Fail(faults.Fault{Path: "/status", Status: http.StatusForbidden})
	begin := f.Now()
	err := s.Publish(t.Context(), f.Plan())
	if err == nil || f.Now() != begin || f.Uploaded[api.StreamDocuments] != "" {
		t.Errorf("%v after %v", err, f.Now().Sub(begin))
	}
}
