package glean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

func (f *fixture) runAt(ago time.Duration) string {
	return ulid.MustNew(ulid.Timestamp(f.clock().Add(-ago)), strings.NewReader("0123456789")).String()
}

// TestUnfinishedUploads: what is in the way of a run, and what becomes of it.
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
		"of a clock ahead":                {age: -later, held: true},
		"given up":                        {opening: component.Opening{Discard: []string{"ID"}}, note: "as it was given up"},
		"another is given up":             {opening: component.Opening{Discard: []string{"x"}}, held: true},
		"of another stream":               {stream: "users", held: true},
		"of a stream that is not written": {only: "groups", held: true},
		"foreign":                         {id: "glean-sdk-1", want: "not of this pipeline is not finished: glean-sdk-1"},
		"foreign and old":                 {id: "glean-sdk-1", later: later, want: "glean-sdk-1"},
		"of another pipeline":             {id: "other-documents-01JCQ7ZJ8Z0000000000000000", want: "not of this pipeline"},
		"foreign and given up": {id: "glean-sdk-1", opening: component.Opening{Discard: []string{"glean-sdk-1"}},
			note: "as it was given up: glean-sdk-1"},
		"foreign, in another stream": {id: "glean-sdk-1", only: "groups"},
		"ended, in another stream": {opening: component.Opening{Ended: func(string) bool { return true }},
			only: "groups", silent: true},
		"given up, in another stream": {opening: component.Opening{Discard: []string{"ID"}}, only: "groups",
			silent: true},
		"nothing, and something given up": {id: "none", opening: component.Opening{Discard: []string{"x"}},
			note: "Glean has no unfinished upload x"},
		"foreign, with a quote in its id": {id: "a'b", want: "a'b"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, sandbox.Rules{})
			f.opening.Ended, f.opening.Discard = tc.opening.Ended, tc.opening.Discard
			id, stream, path := tc.id, "documents", api.PathBulkIndexDocuments
			if tc.stream == "users" {
				stream, path = "users", api.PathBulkIndexUsers
			}
			if id == "" {
				id = "pipe-" + stream + "-" + f.runAt(tc.age)
			}
			for i, d := range f.opening.Discard {
				f.opening.Discard[i] = strings.ReplaceAll(d, "ID", id)
			}
			if id != "none" {
				f.postBody(path, fmt.Appendf(nil, `{"uploadId":%q,"datasource":"backstage","isFirstPage":true,%q:[]}`, id, stream))
			}
			f.now = f.now.Add(tc.later)
			f.reset()
			s := f.readOnly(func(stream string) bool { return tc.only == "" || tc.only == stream }, user("ann"), group("a"),
				doc("a"))
			err := f.publish(s)
			var held *fault.Held
			switch {
			case tc.held:
				if !errors.As(err, &held) || held.Until.Sub(held.Since) != upload.StaleAfter || held.Since.After(f.clock()) ||
					!held.Until.After(f.clock()) || !strings.Contains(held.Remedy, "--discard-upload "+id) ||
					!strings.Contains(held.Holder, "run ") {
					t.Errorf("%v %+v", err, held)
				}
			case tc.want != "":
				if err == nil || !strings.Contains(err.Error(), tc.want) ||
					!strings.Contains(fault.RemedyOf(err), "--discard-upload "+upload.ShellWord(id)) {
					t.Errorf("%v; %s", err, fault.RemedyOf(err))
				}
			default:
				if err != nil || tc.note != "" && !f.noted(tc.note) || tc.silent && f.noted("discard") || tc.only == "" &&
					len(f.index().Unfinished()) > 0 || tc.only == "" && len(f.ids()) != 1 {
					t.Errorf("%v, %q, %v", err, f.notes, f.index().Unfinished())
				}
				return
			}
			if len(f.index().Users) != 0 {
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
		f := start(t, sandbox.Rules{})
		f.begin("another-clients")
		f.server.Fail(failed)
		err := f.run(user("ann"), doc("a"))
		if err == nil || !strings.Contains(err.Error(), "its status does not name it") ||
			!strings.Contains(fault.RemedyOf(err), "--discard-upload unnamed") || len(f.rejected) > 0 || len(f.ids()) != 0 {
			t.Errorf("%v %v", err, f.rejected)
		}
		f.opening.Discard = []string{upload.Unnamed}
		if err := f.run(user("ann"), doc("a")); err != nil || len(f.ids()) != 1 {
			t.Errorf("%v %v", err, f.ids())
		}
	}
}

// TestBegunAfterTheReview: somebody begins an upload between review and
// publishing.
func TestBegunAfterTheReview(t *testing.T) {
	for _, rules := range []sandbox.Rules{{}, {ConflictIsBadRequest: true}} {
		for _, ours := range []bool{false, true} {
			f := start(t, rules)
			f.opening.Ended = nil
			s := f.read(user("ann"), doc("a"))
			if _, err := s.Holds(t.Context()); err != nil {
				t.Fatal(err)
			}
			id := "another-clients"
			if ours {
				id = "pipe-documents-" + f.runAt(0)
			}
			f.begin(id)
			err := s.Publish(t.Context(), f.plan(s))
			var held *fault.Held
			if err == nil || errors.As(err, &held) != ours || !ours && !strings.Contains(err.Error(), id) ||
				len(f.rejected) != 0 || len(f.ids()) != 0 {
				t.Errorf("%v %v", err, f.rejected)
			}
		}
	}
}

func TestPlace(t *testing.T) {
	for address, want := range map[string]string{
		"https://Acme-BE.glean.com":         "https://acme-be.glean.com backstage",
		"https://acme-be.glean.com:443/":    "https://acme-be.glean.com backstage",
		"HTTP://acme.example:80":            "http://acme.example backstage",
		"https://acme.example:8443/Prefix/": "https://acme.example:8443/Prefix backstage",
		"http://[::1]:8080":                 "http://[::1]:8080 backstage",
		"https://[::1]":                     "https://[::1] backstage",
		"":                                  "",
	} {
		cfg := testSettings()
		cfg.ServerURL, cfg.Datasource.Name = address, "Backstage"
		k, err := open(cfg, component.Settings{}, fault.Retry{})
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if got := k.Place(); got != want || strings.Contains(got, "secret") {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
		_ = k.Close()
	}
}

// TestUnnamedIsForConflicts: what --discard-upload unnamed gives up is an upload
// that a conflict shows; the refusal of a page's items discards nothing.
func TestUnnamedIsForConflicts(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.opening.Discard = []string{upload.Unnamed}
	discarded := false
	f.server.Fail(faults.Fault{Path: documentsPath, Status: http.StatusBadRequest, Body: "Bad content",
		Match: func(b []byte) bool {
			discarded = discarded || holds("forceRestartUpload")(b)
			return holds(`about d000"`)(b)
		}})
	if err := f.run(append(docs(3), user("ann"))...); err != nil || discarded || len(f.rejected) != 1 ||
		len(f.ids()) != 2 {
		t.Errorf("%v, discarded %v, rejected %v", err, discarded, f.rejected)
	}
}

// TestConflictThatStays: a conflict ends the run with an error that names what is
// in the way where Glean's status does, also when discarding it changes nothing
// and when the status fails.
func TestConflictThatStays(t *testing.T) {
	conflict := faults.Fault{Path: documentsPath, Page: faults.FirstPage, Status: http.StatusConflict,
		Body: "another upload"}
	for name, tc := range map[string]struct {
		other    string // a stream with an unfinished upload of another client
		discard  bool
		noStatus bool
		want     string
		waits    bool
	}{
		"discarding does not help": {other: "documents", discard: true, want: "another upload under way", waits: true},
		"in another stream":        {other: "users", want: "another-clients"},
		"the status fails":         {noStatus: true, want: "its status does not name it"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, sandbox.Rules{})
			if tc.discard {
				f.opening.Discard = []string{"another-clients"}
			}
			s := f.readOnly(func(stream string) bool { return stream == "documents" }, user("ann"), doc("a"))
			if _, err := s.Holds(t.Context()); err != nil {
				t.Fatal(err)
			}
			if tc.other != "" {
				f.postBody("/api/index/v1/bulkindex"+tc.other, fmt.Appendf(nil,
					`{"uploadId":"another-clients","datasource":"backstage","isFirstPage":true,%q:[]}`, tc.other))
			}
			f.server.Fail(conflict)
			if tc.noStatus {
				f.server.Fail(faults.Fault{Path: "/status", Status: http.StatusForbidden})
			}
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			begin := f.clock()
			err := s.Publish(ctx, f.plan(s))
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), tc.want) || (f.clock() != begin) != tc.waits {
				t.Errorf("%v after %v", err, f.clock().Sub(begin))
			}
		})
	}
}
