package glean

import (
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
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// differs tells in what the index is not what was staged; "" when it is.
func (f *fixture) differs() string {
	f.t.Helper()
	i := f.index()
	want := sandbox.Index{Documents: map[string]api.Document{}, Users: map[string]api.User{},
		Groups: map[string]api.Group{}, Memberships: map[string][]api.Membership{}}
	decode := func(e component.Encoded, v any) {
		if err := codec.Unmarshal(e.Body, v); err != nil {
			f.t.Fatal(err)
		}
	}
	for _, e := range f.staged["documents"] {
		var d api.Document
		decode(e, &d)
		want.Documents[d.ID] = d
	}
	for _, e := range f.staged["users"] {
		var u api.User
		decode(e, &u)
		want.Users[e.ID] = u
	}
	for _, e := range f.staged["groups"] {
		var g api.Group
		decode(e, &g)
		want.Groups[strings.ToLower(g.Name)] = g
	}
	for _, e := range f.staged["memberships"] {
		var m encode.MembersOf
		decode(e, &m)
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
	"users": "/bulkindexusers", "groups": "/bulkindexgroups", "memberships": "/bulkindexmemberships",
	"documents": documentsPath,
}

// lostAnswers are the ways in which it is not known whether a page took effect.
var lostAnswers = map[string]faults.Fault{
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
	"throttled for a second": {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"0"}},
		Times: 2},
}

// TestLostAnswers: whatever page of whatever stream has lost its answer, under every
// reading and with whatever status: the run either delivers all of it or fails,
// no item is blamed, and the next run delivers all of it in any case.
func TestLostAnswers(t *testing.T) {
	readings := append(sandbox.Readings(),
		sandbox.Reading{Name: "the status is late", Rules: sandbox.Rules{StatusLags: 5 * time.Second}},
		sandbox.Reading{Name: "the status is late and a conflict is a bad request",
			Rules: sandbox.Rules{StatusLags: 5 * time.Second, ConflictIsBadRequest: true, RefuseReusedUploadIDs: true}},
		sandbox.Reading{Name: "there is no status"},
	)
	positions := map[string]struct {
		page faults.PageKind
		size int
	}{"first": {faults.FirstPage, 13}, "middle": {faults.MiddlePage, 13}, "last": {faults.LastPage, 13},
		"only": {faults.FirstPage, 4}}
	n := 0
	for _, reading := range readings {
		for _, stream := range slices.Sorted(maps.Keys(streamPaths)) {
			for _, position := range slices.Sorted(maps.Keys(positions)) {
				f, at := start(t, reading.Rules), positions[position]
				if err := f.run(company(0, at.size)...); err != nil {
					t.Fatal(err)
				}
				for _, how := range slices.Sorted(maps.Keys(lostAnswers)) {
					for _, left := range []bool{false, true} {
						failed := lostAnswers[how]
						if n++; !*thorough && n%29 != 0 && (stream != "documents" || left || reading.Name != "mild" &&
							reading.Name != "all of them" && reading.Name != "there is no status") {
							continue
						}
						failed.Path, failed.Page = streamPaths[stream], at.page
						if stream == "memberships" && position != "only" {
							failed.Match = holds("group:default/all")
						}
						mayFail := reading.Name == "there is no status" && position == "last" || left && failed.Late > 0 ||
							failed.Twice && reading.Rules.StatusLags > 0 ||
							left && reading.Rules.StatusLags > 0 && reading.Rules.ConflictIsBadRequest
						name := fmt.Sprintf("%s, %s, %s page, %s, something left: %v", reading.Name, stream, position, how, left)
						f.lose(name, failed, company(n, at.size), mayFail, func() {
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

// lose is one case of TestLostAnswers.
func (f *fixture) lose(name string, failed faults.Fault, items []*component.Item, mayFail bool, prepare func()) {
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
		f.t.Fatalf("%s: the next run: %v, differs in %s, rejected %v, unfinished %v", name, err, f.differs(), f.rejected,
			f.index().Unfinished())
	}
}

// leave makes an upload of a stream that a run which has ended left unfinished.
func (f *fixture) leave(stream string) {
	body := fmt.Appendf(nil, `{"uploadId":"pipe-%s-%s","datasource":"backstage","isFirstPage":true,%q:[]}`, stream,
		f.runID(), stream)
	if stream == "memberships" {
		body = append(body[:len(body)-1], `,"group":"group:default/all"}`...)
	}
	f.postBody(strings.TrimSuffix(api.Prefix, "/")+streamPaths[stream], body)
}

// TestRefusesAll: where Glean refuses whatever comes, no item is blamed.
func TestRefusesAll(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusConflict} {
		f := start(t, sandbox.Rules{})
		f.server.Fail(faults.Fault{Path: documentsPath, Status: status, Body: "Invalid request"})
		err := f.run(append(docs(2), user("ann"))...)
		if err == nil || !strings.Contains(err.Error(), "Invalid request") || fault.RemedyOf(err) == "" ||
			len(f.rejected) > 0 {
			t.Errorf("%d: %v, rejected %v", status, err, f.rejected)
		}
	}
}

// TestBadItemAndLostAnswer: the answer to the last page is lost, and the page holds an item that Glean
// refuses.
func TestBadItemAndLostAnswer(t *testing.T) {
	for _, rules := range []sandbox.Rules{{}, {StatusLags: 5 * time.Second}} {
		for _, bad := range []string{"d001", "d011"} { // in the first and in the last page
			f := start(t, rules)
			f.server.Fail(faults.Fault{Path: documentsPath, Match: holds(bad), Status: http.StatusServiceUnavailable, Times: 1})
			f.server.Fail(faults.Fault{Path: documentsPath, Match: holds(bad), Status: http.StatusBadRequest,
				Body: "Bad content"})
			if err := f.run(append(docs(12), user("ann"))...); err != nil || len(f.ids()) != 11 ||
				f.rejected["component:default/"+bad] != "Bad content" || f.clock().After(time.Unix(1_800_000_030, 0)) {
				t.Errorf("%s: %v, %d documents, rejected %v, took until %v", bad, err, len(f.ids()), f.rejected, f.clock())
			}
		}
	}
}
