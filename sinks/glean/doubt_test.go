package glean

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// differs tells in what the index is not what was staged; "" when it is.
func (f *fixture) differs() string {
	f.t.Helper()
	i := f.index()
	want := sandbox.Index{Documents: map[string]api.Document{}, Users: map[string]api.User{}, Groups: map[string]api.Group{}, Memberships: map[string][]api.Membership{}}
	records := func(e component.Encoded, v any) {
		if err := codec.Unmarshal(e.Body, v); err != nil {
			f.t.Fatal(err)
		}
	}
	for _, e := range f.staged["documents"] {
		var d api.Document
		records(e, &d)
		want.Documents[d.ID] = d
	}
	for _, e := range f.staged["users"] {
		var u api.User
		records(e, &u)
		want.Users[e.ID] = u
	}
	for _, e := range f.staged["groups"] {
		var g api.Group
		records(e, &g)
		want.Groups[strings.ToLower(g.Name)] = g
	}
	for _, e := range f.staged["memberships"] {
		var m membersOf
		records(e, &m)
		want.Memberships[strings.ToLower(m.Group)] = m.Memberships
	}
	var out []string
	compare := func(what string, got, want any) {
		if !reflect.DeepEqual(got, want) {
			out = append(out, fmt.Sprintf("%s: %d and not %d", what, reflect.ValueOf(got).Len(), reflect.ValueOf(want).Len()))
		}
	}
	compare("documents", i.Documents, want.Documents)
	compare("users", i.Users, want.Users)
	compare("groups", i.Groups, want.Groups)
	members := func(m map[string][]api.Membership) map[string]string {
		texts := map[string]string{}
		for g, ms := range m {
			texts[g] = fmt.Sprint(ms)
		}
		return texts
	}
	compare("memberships", members(i.Memberships), members(want.Memberships))
	return strings.Join(out, ", ")
}

// company is a small catalog; another n is another company, with about half of
// the first one's people and things.
func company(n, size int) []*component.Item {
	var items []*component.Item
	var everybody []string
	for i := range size {
		name := fmt.Sprintf("u%02d-%d", i, n*(i%2))
		items = append(items, user(name))
		everybody = append(everybody, "user:default/"+name)
	}
	for i := range size {
		items = append(items, group(fmt.Sprintf("g%02d-%d", i, n*(i%2)), everybody[:i%3]...))
	}
	items = append(items, group("all", everybody...))
	for i := range size {
		d := doc(fmt.Sprintf("d%02d-%d", i, n*(i%2)))
		if i%3 == 0 {
			d = doc(fmt.Sprintf("d%02d-%d", i, n*(i%2)), "group:default/all", everybody[0])
		}
		items = append(items, d)
	}
	return items
}

var streamPaths = map[string]string{
	"users": "/bulkindexusers", "groups": "/bulkindexgroups", "memberships": "/bulkindexmemberships", "documents": documentsPath,
}

// doubts are the ways in which nobody knows whether a page took effect.
var doubts = map[string]faults.Fault{
	"the request is lost":                {Reset: true, Times: 1},
	"the answer is lost":                 {LoseAnswer: true, Times: 1},
	"the answer is lost twice":           {LoseAnswer: true, Times: 2},
	"every answer is lost":               {LoseAnswer: true, Times: 3},
	"the answer is cut":                  {Truncate: true, Times: 1},
	"500 after it took effect":           {Status: 500, TakesEffect: true, Times: 1},
	"500 for ever after it took effect":  {Status: 500, TakesEffect: true, Times: 3},
	"504, and it comes late":             {Status: http.StatusGatewayTimeout, Late: 1, Times: 1},
	"504, and it comes very late":        {Status: http.StatusGatewayTimeout, Late: 4, Times: 1},
	"lost, and it comes late":            {Reset: true, Late: 2, Times: 1},
	"it comes a second time":             {Late: 2, Times: 1},
	"it is sent twice on the way":        {Twice: true, Times: 1},
	"lost twice, and both come late":     {Reset: true, Late: 3, Times: 2},
	"the answer is lost and it is again": {LoseAnswer: true, Late: 2, Times: 1},
	"throttled":                          {Status: http.StatusTooManyRequests, Times: 2},
	"throttled for a second":             {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"0"}}, Times: 2},
}

// TestLostAnswers: whatever page of whatever stream is in doubt, under every
// reading and with whatever status: the run either delivers all of it or fails,
// no item is blamed, and the next run delivers all of it in any case.
func TestLostAnswers(t *testing.T) {
	readings := append(sandbox.Readings(),
		sandbox.Reading{Name: "the status is late", Rules: sandbox.Rules{StatusLags: 5 * time.Second}},
		sandbox.Reading{Name: "the status is late and a conflict is a bad request", Rules: sandbox.Rules{StatusLags: 5 * time.Second, ConflictIsBadRequest: true, RefuseReusedUploadIDs: true}},
		sandbox.Reading{Name: "there is no status"},
	)
	positions := map[string]struct {
		page faults.PageKind
		size int
	}{"first": {faults.FirstPage, 13}, "middle": {faults.MiddlePage, 13}, "last": {faults.LastPage, 13}, "only": {faults.FirstPage, 4}}
	n := 0
	for _, reading := range readings {
		for _, stream := range slices.Sorted(maps.Keys(streamPaths)) {
			for _, position := range slices.Sorted(maps.Keys(positions)) {
				f, at := start(t, reading.Rules), positions[position]
				if err := f.run(company(0, at.size)...); err != nil {
					t.Fatal(err)
				}
				for _, doubt := range slices.Sorted(maps.Keys(doubts)) {
					for _, left := range []bool{false, true} {
						failed := doubts[doubt]
						if n++; !*thorough && n%29 != 0 && (stream != "documents" || left || reading.Name != "mild" && reading.Name != "all of them" && reading.Name != "there is no status") {
							continue
						}
						failed.Path, failed.Page = streamPaths[stream], at.page
						if stream == "memberships" && position != "only" {
							failed.Match = holds("group:default/all")
						}
						mayFail := reading.Name == "there is no status" && position == "last" || left && failed.Late > 0 || failed.Twice && reading.Rules.StatusLags > 0 ||
							left && reading.Rules.StatusLags > 0 && reading.Rules.ConflictIsBadRequest
						name := fmt.Sprintf("%s, %s, %s page, %s, something left: %v", reading.Name, stream, position, doubt, left)
						f.doubt(name, failed, company(n, at.size), mayFail, func() {
							if left {
								f.leave(stream)
							} else if reading.Name == "there is no status" {
								f.server.Fail(faults.Fault{Path: "/status", Status: http.StatusNotFound})
							}
						})
					}
				}
			}
		}
	}
}

// thorough lets large tables be run whole.
var thorough = flag.Bool("thorough", false, "run every case of the large tables")

// doubt is one case of TestLostAnswers.
func (f *fixture) doubt(name string, failed faults.Fault, items []*component.Item, mayFail bool, prepare func()) {
	f.t.Helper()
	prepare()
	f.server.Fail(failed)
	err := f.run(items...)
	if err == nil && f.differs() != "" || len(f.rejected) > 0 || err != nil && !mayFail {
		f.t.Errorf("%s: %v, differs in %s, rejected %v", name, err, f.differs(), f.rejected)
	}
	f.server.Heal()
	f.now = f.now.Add(time.Minute)
	if err := f.run(items...); err != nil || f.differs() != "" || len(f.index().Unfinished()) > 0 || len(f.rejected) > 0 {
		f.t.Fatalf("%s: the next run: %v, differs in %s, rejected %v, unfinished %v", name, err, f.differs(), f.rejected, f.index().Unfinished())
	}
}

// leave makes an upload of a stream that a run which has ended left unfinished.
func (f *fixture) leave(stream string) {
	body := fmt.Appendf(nil, `{"uploadId":"pipe-%s-%s","datasource":"backstage","isFirstPage":true,%q:[]}`, stream, f.runID(), stream)
	if stream == "memberships" {
		body = append(body[:len(body)-1], `,"group":"group:default/all"}`...)
	}
	f.postBody(strings.TrimSuffix(api.Prefix, "/")+streamPaths[stream], body)
}

// TestSibling: where memberships are one upload at a time, one that this run has
// under way for another group is waited for and not discarded.
func TestSibling(t *testing.T) {
	for _, rules := range []sandbox.Rules{{Scope: sandbox.OfKind}, {Scope: sandbox.OfKind, ConflictIsBadRequest: true}} {
		f := start(t, rules)
		f.opening.Discard = []string{unnamed} // which does not discard what the status names
		s := f.read(user("ann"))
		p := &publishing{publisher: s.publisher, plan: f.plan(s), refusals: newRefusals()}
		of := func(group string) *upload {
			u := p.upload(streamMemberships, api.PathBulkIndexMemberships, 1)
			u.sent = func(int) {}
			u.place += `,"group":"` + group + `"`
			return u
		}
		ann := component.Encoded{ID: "ann", Body: []byte(`{"memberUserId":"ann@x.example"}`)}
		a, b := of("a"), of("b")
		one := newPage(streamMemberships, 0)
		one.add(ann)
		if err := a.post(t.Context(), one, false); err != nil {
			t.Fatal(err)
		}
		f.Sink.clock.sleep = func(ctx context.Context, _ time.Duration) error {
			err := a.post(ctx, newPage(streamMemberships, 0), true)
			a.done.Store(true)
			return err
		}
		if err := b.run(t.Context(), volatile([]component.Encoded{ann})); err != nil || b.force {
			t.Errorf("%v, discards: %v", err, b.force)
		}
		if m := f.index().Memberships; len(m["a"]) != 1 || len(m["b"]) != 1 {
			t.Errorf("%v", m)
		}
	}
}

// TestRefusesAll: where Glean refuses whatever comes, no item is blamed.
func TestRefusesAll(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusConflict} {
		f := start(t, sandbox.Rules{})
		f.server.Fail(faults.Fault{Path: documentsPath, Status: status, Body: "Invalid request"})
		err := f.run(append(docs(2), user("ann"))...)
		if err == nil || !strings.Contains(err.Error(), "Invalid request") || fault.RemedyOf(err) == "" || len(f.rejected) > 0 {
			t.Errorf("%d: %v, rejected %v", status, err, f.rejected)
		}
	}
}

// TestBadItemInDoubt: the last page is in doubt, and it holds an item that Glean
// refuses.
func TestBadItemInDoubt(t *testing.T) {
	for _, rules := range []sandbox.Rules{{}, {StatusLags: 5 * time.Second}} {
		for _, bad := range []string{"d001", "d011"} { // in the first and in the last page
			f := start(t, rules)
			f.server.Fail(faults.Fault{Path: documentsPath, Match: holds(bad), Status: http.StatusServiceUnavailable, Times: 1})
			f.server.Fail(faults.Fault{Path: documentsPath, Match: holds(bad), Status: http.StatusBadRequest, Body: "Bad content"})
			if err := f.run(append(docs(12), user("ann"))...); err != nil || len(f.ids()) != 11 || f.rejected["component:default/"+bad] != "Bad content" || f.clock().After(time.Unix(1_800_000_030, 0)) {
				t.Errorf("%s: %v, %d documents, rejected %v, took until %v", bad, err, len(f.ids()), f.rejected, f.clock())
			}
		}
	}
}

// newUpload is an upload of documents that is not begun yet.
func (f *fixture) newUpload() *upload {
	f.t.Helper()
	s := f.read(user("ann"))
	p := &publishing{publisher: s.publisher, plan: f.plan(s), refusals: newRefusals()}
	return p.upload(streamDocuments, api.PathBulkIndexDocuments, 1)
}

// TestCompetitors: which of the unfinished uploads may be discarded, which are waited
// for, and which end the upload.
func TestCompetitors(t *testing.T) {
	f := start(t, sandbox.Rules{})
	earlier := "pipe-documents-" + f.runAt(time.Hour) // Ended reports that its run is over
	for name, tc := range map[string]struct {
		stream        string // of the unfinished upload; "" for documents
		id            func(u *upload) string
		conflict      bool
		force         bool // the upload discards already
		discard, busy bool
		note, err     bool
	}{
		"none":                                        {},
		"an earlier attempt of the same upload":       {id: func(u *upload) string { return u.publisher.uploadID(u) }, discard: true},
		"another upload of this run":                  {id: sibling(false), busy: true},
		"another upload of this run, which has ended": {id: sibling(true), discard: true},
		"left by an earlier run":                      {id: func(*upload) string { return earlier }, discard: true, note: true},
		"left by an earlier run, noted before":        {id: func(*upload) string { return earlier }, force: true, discard: true},
		"of another client":                           {id: func(*upload) string { return "another-clients" }, err: true},
		"of another client in another stream":         {id: func(*upload) string { return "another-clients" }, stream: streamUsers},
		"of another client, and there is a conflict":  {id: func(*upload) string { return "another-clients" }, stream: streamUsers, conflict: true, err: true},
	} {
		f.reset()
		u := f.newUpload()
		u.force = tc.force
		var all []unfinished
		if tc.stream == "" {
			tc.stream = streamDocuments
		}
		if tc.id != nil {
			all = append(all, unfinished{tc.stream, tc.id(u), f.clock()})
		}
		discard, busy, err := u.competitors(all, tc.conflict)
		if discard != tc.discard || busy != tc.busy || (err != nil) != tc.err || f.noted("was discarded") != tc.note || len(f.notes) > 1 || !tc.note && len(f.notes) > 0 {
			t.Errorf("%s: discard %v, busy %v, %v, notes %q", name, discard, busy, err, f.notes)
		}
	}
}

// sibling is another upload of the same run and stream.
func sibling(done bool) func(u *upload) string {
	return func(u *upload) string {
		other := &upload{publisher: u.publisher, stream: u.stream}
		other.done.Store(done)
		return u.publisher.uploadID(other)
	}
}

// TestRefusedFirstPage: how often a first page is sent that is refused and stays
// refused.
func TestRefusedFirstPage(t *testing.T) {
	for name, tc := range map[string]struct {
		items, status int
		other         bool // another client has an upload under way
		sent          int
	}{
		"without items":                  {status: http.StatusBadRequest, sent: 2}, // the upload in the way may have ended
		"with items":                     {items: 2, status: http.StatusBadRequest, sent: 1},
		"a conflict with another client": {status: http.StatusConflict, other: true, sent: 2}, // the second adds to an upload that the first may have begun
		"a refusal and another's upload": {status: http.StatusBadRequest, other: true, sent: 1},
	} {
		f := start(t, sandbox.Rules{})
		u := f.newUpload()
		if tc.other {
			f.begin("another-clients")
		}
		f.server.Fail(faults.Fault{Path: documentsPath, Status: tc.status, Body: "no"})
		before := f.made("bulkindexdocuments")
		p := newPage(u.stream, 0)
		for i := range tc.items {
			p.add(component.Encoded{ID: fmt.Sprint(i), Body: []byte(`{"datasource":"backstage"}`)})
		}
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		err := u.post(ctx, p, false)
		if sent := f.made("bulkindexdocuments") - before; err == nil || ctx.Err() != nil || u.opened || u.force || sent != tc.sent {
			t.Errorf("%s: %v, sent %d times, discards %v", name, err, sent, u.force)
		}
	}
}

// TestDiscardOfANamedUpload: an upload that an earlier run left after the review is
// discarded at once, without --discard-upload unnamed.
func TestDiscardOfANamedUpload(t *testing.T) {
	f := start(t, sandbox.Rules{})
	u := f.newUpload()
	f.leave(streamDocuments) // of an earlier run
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	begin := f.clock()
	if err := u.post(ctx, newPage(u.stream, 0), false); err != nil || !u.force || f.clock() != begin {
		t.Errorf("%v after %v, discards %v", err, f.clock().Sub(begin), u.force)
	}
}

// TestStands: a refusal is about the items of a page only where the upload is proven
// to be open.
func TestStands(t *testing.T) {
	status := func(stream, id, more string) *faults.Fault {
		history := `{"bulkUploadHistory":[{"uploadId":"` + id + `","status":"ACTIVE"}]}`
		body := `{"documents":` + history + more + `}`
		if stream != streamDocuments {
			body = `{"identity":{"users":` + history + `}}`
		}
		return &faults.Fault{Path: "/status", Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	}
	for name, tc := range map[string]struct {
		probe  int           // what Glean answers to a page without items; 0 when it takes it
		status *faults.Fault // nil: none
		want   string        // "" when the upload is open
	}{
		"the page is taken":                     {},
		"the status names the upload":           {probe: http.StatusBadRequest, status: status(streamDocuments, "ours", "")},
		"the status names another upload":       {probe: http.StatusBadRequest, status: status(streamDocuments, "another", ""), want: "another has taken its place"},
		"the status names it elsewhere":         {probe: http.StatusBadRequest, status: status(streamUsers, "ours", ""), want: "another has taken its place"},
		"the status has another shape":          {probe: http.StatusBadRequest, status: status(streamDocuments, "ours", `,"identity":5`), want: "another has taken its place"},
		"the status fails":                      {probe: http.StatusConflict, status: &faults.Fault{Path: "/status", Status: http.StatusForbidden}, want: "another has taken its place"},
		"it is no refusal, and it is under way": {probe: http.StatusServiceUnavailable, status: status(streamDocuments, "ours", ""), want: "503"},
	} {
		f := start(t, sandbox.Rules{})
		u := f.newUpload()
		if err := u.post(t.Context(), newPage(u.stream, 0), false); err != nil {
			t.Fatal(err)
		}
		if tc.probe != 0 {
			u.id = "ours"
			f.server.Fail(faults.Fault{Path: documentsPath, Status: tc.probe, Body: "no"})
		}
		if tc.status != nil {
			f.server.Fail(*tc.status)
		}
		err := u.stands(t.Context())
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
