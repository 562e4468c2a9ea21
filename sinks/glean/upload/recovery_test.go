package upload

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestSibling: where only one upload of memberships is possible at a time, an upload of this
// run for another group is waited for and not discarded.
func TestSibling(t *testing.T) {
	for _, rules := range []sandbox.Rules{{Scope: sandbox.OfKind}, {Scope: sandbox.OfKind, ConflictIsBadRequest: true}} {
		f := serve(t, rules, Unnamed) // which does not discard the upload in the status
		of := func(group string) *upload {
			u := f.upload(api.StreamMemberships, api.PathBulkIndexMemberships)
			u.sent = func(int) {}
			u.place += `,"group":"` + group + `"`
			return u
		}
		ann := component.Encoded{ID: "ann", Body: []byte(`{"memberUserId":"ann@x.example"}`)}
		a, b := of("a"), of("b")
		one := newPage(api.StreamMemberships, 0)
		one.add(ann)
		if err := a.post(t.Context(), one, false); err != nil {
			t.Fatal(err)
		}
		f.publisher.clock.Sleep = func(ctx context.Context, _ time.Duration) error {
			err := a.post(ctx, newPage(api.StreamMemberships, 0), true)
			f.publisher.forgetIDs(a)
			return err
		}
		if err := b.run(t.Context(), itemsOf(ann)); err != nil || b.force {
			t.Errorf("%v, discards: %v", err, b.force)
		}
		if m := f.server.Index("backstage").Memberships; len(m["a"]) != 1 || len(m["b"]) != 1 {
			t.Errorf("%v", m)
		}
	}
}

// TestCompetitors: which of the unfinished uploads may be discarded, which are waited
// for, and which end the upload.
func TestCompetitors(t *testing.T) {
	f := serve(t, sandbox.Rules{})
	earlier := "pipe-documents-" + f.runAt(time.Hour) // Ended reports that its run is over
	for name, tc := range map[string]struct {
		stream        string // of the unfinished upload; "" for documents
		id            func(u *upload) string
		conflict      bool
		force         bool // the upload discards already
		discard, busy bool
		note, err     bool
	}{
		"none": {},
		"an earlier attempt of the same upload": {id: func(u *upload) string { return u.publisher.newID(u) },
			discard: true},
		"another upload of this run":                  {id: sibling(false), busy: true},
		"another upload of this run, which has ended": {id: sibling(true), discard: true},
		"left by an earlier run": {id: func(*upload) string { return earlier }, discard: true,
			note: true},
		"left by an earlier run, noted before": {id: func(*upload) string { return earlier }, force: true,
			discard: true},
		"of another client": {id: func(*upload) string { return "another-clients" }, err: true},
		"of another client in another stream": {id: func(*upload) string { return "another-clients" },
			stream: api.StreamUsers},
		"of another client, and there is a conflict": {id: func(*upload) string { return "another-clients" },
			stream: api.StreamUsers, conflict: true, err: true},
	} {
		f.notes = nil
		u := f.documents()
		u.force = tc.force
		var all []api.Unfinished
		if tc.stream == "" {
			tc.stream = api.StreamDocuments
		}
		if tc.id != nil {
			all = append(all, api.Unfinished{Stream: tc.stream, ID: tc.id(u), Since: f.now()})
		}
		discard, busy, err := u.competitors(all, tc.conflict)
		if discard != tc.discard || busy != tc.busy || (err != nil) != tc.err ||
			strings.Contains(strings.Join(f.notes, ""), "was discarded") != tc.note || len(f.notes) > 1 || !tc.note &&
			len(f.notes) > 0 {
			t.Errorf("%s: discard %v, busy %v, %v, notes %q", name, discard, busy, err, f.notes)
		}
	}
}

// sibling is another upload of the same run and stream.
func sibling(done bool) func(u *upload) string {
	return func(u *upload) string {
		other := &upload{publisher: u.publisher, stream: u.stream}
		id := u.publisher.newID(other)
		if done {
			u.publisher.forgetIDs(other)
		}
		return id
	}
}

// TestRefusedFirstPage: how often a first page is sent that is refused and stays
// refused.
func TestRefusedFirstPage(t *testing.T) {
	for name, tc := range map[string]struct {
		items, status int
		other         bool // another client has an upload in progress
		sent          int
	}{
		"without items":                  {status: http.StatusBadRequest, sent: 2}, // the upload in the way may have ended
		"with items":                     {items: 2, status: http.StatusBadRequest, sent: 1},
		"a conflict with another client": {status: http.StatusConflict, other: true, sent: 2},
		// the second adds to an upload that the first may have begun
		"a refusal and an upload of another client": {status: http.StatusBadRequest, other: true, sent: 1},
	} {
		f := serve(t, sandbox.Rules{})
		u := f.documents()
		if tc.other {
			f.begin("another-clients")
		}
		f.server.Fail(faults.Fault{Path: bulkDocuments, Status: tc.status, Body: "no"})
		before := f.requests[api.PathBulkIndexDocuments]
		p := newPage(u.stream, 0)
		for i := range tc.items {
			p.add(component.Encoded{ID: fmt.Sprint(i), Body: []byte(`{"datasource":"backstage"}`)})
		}
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		err := u.post(ctx, p, false)
		if sent := f.requests[api.PathBulkIndexDocuments] - before; err == nil || ctx.Err() != nil || u.opened || u.force ||
			sent != tc.sent {
			t.Errorf("%s: %v, sent %d times, discards %v", name, err, sent, u.force)
		}
	}
}

// TestDiscardOfANamedUpload: an upload that an earlier run left after the review is
// discarded at once, without --discard-upload unnamed.
func TestDiscardOfANamedUpload(t *testing.T) {
	f := serve(t, sandbox.Rules{})
	u := f.documents()
	f.begin("pipe-documents-" + f.runAt(time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	begin := f.now()
	if err := u.post(ctx, newPage(u.stream, 0), false); err != nil || !u.force || f.now() != begin {
		t.Errorf("%v after %v, discards %v", err, f.now().Sub(begin), u.force)
	}
}

// TestRefusalAboutItems: a refusal is about the items of a page only where the upload is proven
// to be open.
func TestRefusalAboutItems(t *testing.T) {
	status := func(stream, id, more string) *faults.Fault {
		history := `{"bulkUploadHistory":[{"uploadId":"` + id + `","status":"ACTIVE"}]}`
		body := `{"documents":` + history + more + `}`
		if stream != api.StreamDocuments {
			body = `{"identity":{"users":` + history + `}}`
		}
		return &faults.Fault{Path: "/status", Status: http.StatusOK,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	}
	for name, tc := range map[string]struct {
		probe  int           // what Glean answers to a page without items; 0 when it takes it
		status *faults.Fault // nil: none
		want   string        // "" when the upload is open
	}{
		"the page is taken": {},
		"the status names the upload": {probe: http.StatusBadRequest,
			status: status(api.StreamDocuments, "ours", "")},
		"the status names another upload": {probe: http.StatusBadRequest,
			status: status(api.StreamDocuments, "another", ""), want: "another upload has replaced this one"},
		"the status names it elsewhere": {probe: http.StatusBadRequest, status: status(api.StreamUsers, "ours", ""),
			want: "another upload has replaced this one"},
		"the status has the wrong structure": {probe: http.StatusBadRequest,
			status: status(api.StreamDocuments, "ours", `,"identity":5`), want: "another upload has replaced " +
				"this one"},
		"the status fails": {probe: http.StatusConflict,
			status: &faults.Fault{Path: "/status", Status: http.StatusForbidden}, want: "another upload has replaced " +
				"this one"},
		"not a refusal, and the upload is in progress": {probe: http.StatusServiceUnavailable,
			status: status(api.StreamDocuments, "ours", ""), want: "503"},
	} {
		f := serve(t, sandbox.Rules{})
		u := f.documents()
		if err := u.post(t.Context(), newPage(u.stream, 0), false); err != nil {
			t.Fatal(err)
		}
		if tc.probe != 0 {
			u.id = "ours"
			f.server.Fail(faults.Fault{Path: bulkDocuments, Status: tc.probe, Body: "no"})
		}
		if tc.status != nil {
			f.server.Fail(*tc.status)
		}
		err := u.stillOpen(t.Context())
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzClosedIn: a status closes no upload that it does not name.
func FuzzClosedIn(f *testing.F) {
	const good = `{"documents":{"bulkUploadHistory":[{"uploadId":"ours","status":"SUCCESSFUL"}]}}`
	for _, seed := range []string{good, strings.ReplaceAll(good, "SUCCESSFUL", "ACTIVE"),
		strings.ReplaceAll(good, "ours", ""),
		`{}`, `null`, `{"documents":null}`, `{"documents":{"bulkUploadHistory":[null]}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var status api.DatasourceStatus
		if codec.Unmarshal([]byte(body), &status) != nil {
			return
		}
		u := &upload{stream: api.StreamDocuments, id: "01JCQ7ZJ8Z-not-in-it"}
		if u.closedIn(status) && !strings.Contains(body, u.id) && !strings.Contains(body, `\u`) {
			t.Errorf("%s is complete out of nonsense", u.id)
		}
	})
}
