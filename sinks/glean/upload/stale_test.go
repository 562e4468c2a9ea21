package upload_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

func runAt(f *gleantest.Fixture, ago time.Duration) string {
	return ulid.MustNew(ulid.Timestamp(f.Now().Add(-ago)), strings.NewReader("0123456789")).String()
}

// TestUnfinishedUploads: unfinished uploads that a run meets, and what the run does with
// them.
func TestUnfinishedUploads(t *testing.T) {
	const later = time.Hour
	no := func(string) bool { return false }
	for name, tc := range map[string]struct {
		id      string // "" is one of this pipeline's documents
		stream  string
		age     time.Duration // of its run, when it began
		later   time.Duration // that passes until ours
		opening component.Opening
		only    string
		want    string // in the error; "" for none
		held    bool
		note    string
		silent  bool // nothing is said about it
	}{
		"of a run that has ended": {opening: component.Opening{Ended: func(string) bool { return true }},
			note: "left unfinished was discarded"},
		"of an unknown run":               {opening: component.Opening{Ended: no}, held: true},
		"where nothing is known of runs":  {held: true},
		"after a long read":               {age: later, held: true},
		"just before the upload is stale": {later: upload.StaleAfter - time.Second, held: true},
		"when the upload is stale": {later: upload.StaleAfter, note: "left unfinished more than 20 minutes ago was " +
			"discarded"},
		"of a clock ahead": {age: -later, held: true},
		"given up": {opening: component.Opening{Discard: []string{"ID"}},
			note: "discarded as requested"},
		"another upload is discarded":     {opening: component.Opening{Discard: []string{"x"}}, held: true},
		"of another stream":               {stream: "users", held: true},
		"of a stream that is not written": {only: "groups", held: true},
		"foreign": {id: "glean-sdk-1", want: "not by this pipeline, is unfinished: " +
			"glean-sdk-1"},
		"foreign and old":     {id: "glean-sdk-1", later: later, want: "glean-sdk-1"},
		"of another pipeline": {id: "other-documents-01JCQ7ZJ8Z0000000000000000", want: "not by this pipeline"},
		"foreign and given up": {id: "glean-sdk-1", opening: component.Opening{Discard: []string{"glean-sdk-1"}},
			note: "discarded as requested: glean-sdk-1"},
		"foreign, in another stream": {id: "glean-sdk-1", only: "groups"},
		"ended, in another stream": {opening: component.Opening{Ended: func(string) bool { return true }},
			only: "groups", silent: true},
		"discarded, in another stream": {opening: component.Opening{Discard: []string{"ID"}}, only: "groups",
			silent: true},
		"nothing, and something given up": {id: "none", opening: component.Opening{Discard: []string{"x"}},
			note: "Glean has no unfinished upload x"},
		"foreign, with a quote in its id": {id: "a'b", want: "a'b"},
	} {
		t.Run(name, func(t *testing.T) {
			f := gleantest.Start(t, sandbox.Rules{})
			f.Opening.Ended, f.Opening.Discard = tc.opening.Ended, tc.opening.Discard
			id, stream, path := tc.id, "documents", api.PathBulkIndexDocuments
			if tc.stream == "users" {
				stream, path = "users", api.PathBulkIndexUsers
			}
			if id == "" {
				id = "pipe-" + stream + "-" + runAt(f, tc.age)
			}
			for i, d := range f.Opening.Discard {
				f.Opening.Discard[i] = strings.ReplaceAll(d, "ID", id)
			}
			if id != "none" {
				f.PostBody(path, fmt.Appendf(nil, `{"uploadId":%q,"datasource":"backstage","isFirstPage":true,%q:[]}`, id, stream))
			}
			f.Time = f.Time.Add(tc.later)
			f.Reset()
			s := f.ReadOnly(func(stream string) bool {
				return tc.only == "" || tc.only == stream
			}, gleantest.User("ann"), gleantest.Group("a"),
				gleantest.Doc("a"))
			err := f.Publish(s)
			var held *fault.Held
			switch {
			case tc.held:
				if !errors.As(err, &held) || held.Until.Sub(held.Since) != upload.StaleAfter || held.Since.After(f.Now()) ||
					!held.Until.After(f.Now()) || !strings.Contains(held.Remedy, "--discard-upload "+id) ||
					!strings.Contains(held.Holder, "run ") {
					t.Errorf("%v %+v", err, held)
				}
			case tc.want != "":
				if err == nil || !strings.Contains(err.Error(), tc.want) ||
					!strings.Contains(fault.RemedyOf(err), "--discard-upload "+upload.ShellWord(id)) {
					t.Errorf("%v; %s", err, fault.RemedyOf(err))
				}
			default:
				if err != nil || tc.note != "" && !f.Noted(tc.note) || tc.silent && f.Noted("discard") || tc.only == "" &&
					len(f.Index().Unfinished()) > 0 || tc.only == "" && len(f.IDs()) != 1 {
					t.Errorf("%v, %q, %v", err, f.Notes, f.Index().Unfinished())
				}
				return
			}
			if len(f.Index().Users) != 0 {
				t.Error("something was sent")
			}
		})
	}
}

// TestUnnamedUpload: an upload is in the way that the status does not name. Only
// a person can give it up.
func TestUnnamedUpload(t *testing.T) {
	for _, failed := range []faults.Fault{
		{Path: "/status", Status: http.StatusNotFound},
		{Path: "/status", Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: "{}"},
	} {
		f := gleantest.Start(t, sandbox.Rules{})
		f.Begin("another-clients")
		f.Server.Fail(failed)
		err := f.Run(gleantest.User("ann"), gleantest.Doc("a"))
		if err == nil || !strings.Contains(err.Error(), "its status does not name") ||
			!strings.Contains(fault.RemedyOf(err), "--discard-upload unnamed") || len(f.Rejected) > 0 || len(f.IDs()) != 0 {
			t.Errorf("%v %v", err, f.Rejected)
		}
		f.Opening.Discard = []string{upload.Unnamed}
		if err := f.Run(gleantest.User("ann"), gleantest.Doc("a")); err != nil || len(f.IDs()) != 1 {
			t.Errorf("%v %v", err, f.IDs())
		}
	}
}

// TestBegunAfterTheReview: another client begins an upload between review and publishing.
func TestBegunAfterTheReview(t *testing.T) {
	for _, rules := range []sandbox.Rules{{}, {ConflictIsBadRequest: true}} {
		for _, ours := range []bool{false, true} {
			f := gleantest.Start(t, rules)
			f.Opening.Ended = nil
			s := f.Read(gleantest.User("ann"), gleantest.Doc("a"))
			if _, err := s.Holds(t.Context()); err != nil {
				t.Fatal(err)
			}
			id := "another-clients"
			if ours {
				id = "pipe-documents-" + runAt(f, 0)
			}
			f.Begin(id)
			err := s.Publish(t.Context(), f.Plan())
			var held *fault.Held
			if err == nil || errors.As(err, &held) != ours || !ours && !strings.Contains(err.Error(), id) ||
				len(f.Rejected) != 0 || len(f.IDs()) != 0 {
				t.Errorf("%v %v", err, f.Rejected)
			}
		}
	}
}

// TestUnnamedIsForConflicts: what --discard-upload unnamed gives up is an upload
// that a conflict shows; the refusal of a page's items discards nothing.
func TestUnnamedIsForConflicts(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Opening.Discard = []string{upload.Unnamed}
	discarded := false
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Status: http.StatusBadRequest, Body: "Bad content",
		Match: func(b []byte) bool {
			discarded = discarded || gleantest.Holding("forceRestartUpload")(b)
			return gleantest.Holding(`about d000"`)(b)
		}})
	if err := f.Run(append(gleantest.Docs(3), gleantest.User("ann"))...); err != nil || discarded ||
		len(f.Rejected) != 1 ||
		len(f.IDs()) != 2 {
		t.Errorf("%v, discarded %v, rejected %v", err, discarded, f.Rejected)
	}
}

// TestConflictThatStays: a conflict ends the run with an error. If Glean's status names the
// other upload, the error does, too, also when discarding it changes nothing and when the
// status fails.
func TestConflictThatStays(t *testing.T) {
	conflict := faults.Fault{Path: gleantest.DocumentsPath, Page: faults.FirstPage, Status: http.StatusConflict,
		Body: "another upload"}
	for name, tc := range map[string]struct {
		other    string // a stream with an unfinished upload of another client
		discard  bool
		noStatus bool
		want     string
		waits    bool
	}{
		"discarding does not help": {other: "documents", discard: true, want: "another upload is under way", waits: true},
		"in another stream":        {other: "users", want: "another-clients"},
		"the status fails":         {noStatus: true, want: "its status does not name"},
	} {
		t.Run(name, func(t *testing.T) {
			f := gleantest.Start(t, sandbox.Rules{})
			if tc.discard {
				f.Opening.Discard = []string{"another-clients"}
			}
			s := f.ReadOnly(func(stream string) bool { return stream == "documents" }, gleantest.User("ann"), gleantest.Doc("a"))
			if _, err := s.Holds(t.Context()); err != nil {
				t.Fatal(err)
			}
			if tc.other != "" {
				f.PostBody("/api/index/v1/bulkindex"+tc.other, fmt.Appendf(nil,
					`{"uploadId":"another-clients","datasource":"backstage","isFirstPage":true,%q:[]}`, tc.other))
			}
			f.Server.Fail(conflict)
			if tc.noStatus {
				f.Server.Fail(faults.Fault{Path: "/status", Status: http.StatusForbidden})
			}
			ctx, cancel := context.WithTimeout(t.Context(), gleantest.Deadline)
			defer cancel()
			begin := f.Now()
			err := s.Publish(ctx, f.Plan())
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), tc.want) || (f.Now() != begin) != tc.waits {
				t.Errorf("%v after %v", err, f.Now().Sub(begin))
			}
		})
	}
}

// TestLostDuringRequest: a page whose answer says to try again is not sent again once the run may have lost
// its place, and nothing else is.
func TestLostDuringRequest(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	s := f.Read(gleantest.User("ann"), gleantest.Doc("a"))
	if _, err := s.Holds(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Reset()
	var lost atomic.Bool
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Status: http.StatusServiceUnavailable,
		Match: func([]byte) bool { lost.Store(true); return true }})
	held := errors.New("the place is lost")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := s.Publish(connection.WithCertain(ctx, func() error {
		if !lost.Load() {
			return nil
		}
		cancel() // as a run does
		return held
	}), f.Plan())
	sent := 0
	for _, r := range f.Requests {
		if strings.HasSuffix(gleantest.DocumentsPath, r) {
			sent++
		}
	}
	if !errors.Is(err, held) || sent != 1 || !strings.HasSuffix(gleantest.DocumentsPath, f.Requests[len(f.Requests)-1]) {
		t.Errorf("%v after %q", err, f.Requests)
	}
}
