package upload_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

var streamPaths = map[string]string{
	"users": "/bulkindexusers", "groups": "/bulkindexgroups", "memberships": "/bulkindexmemberships",
	"documents": gleantest.DocumentsPath,
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
				f, at := gleantest.Start(t, reading.Rules), positions[position]
				if err := f.Run(gleantest.Company(0, at.size)...); err != nil {
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
							failed.Match = gleantest.Holding("group:default/all")
						}
						mayFail := reading.Name == "there is no status" && position == "last" || left && failed.Late > 0 ||
							failed.Twice && reading.Rules.StatusLags > 0 ||
							left && reading.Rules.StatusLags > 0 && reading.Rules.ConflictIsBadRequest
						name := fmt.Sprintf("%s, %s, %s page, %s, something left: %v", reading.Name, stream, position, how, left)
						lose(f, name, failed, gleantest.Company(n, at.size), mayFail, func() {
							if left {
								leave(f, stream)
							} else if reading.Name == "there is no status" {
								f.Server.Fail(faults.Fault{Path: "/status", Status: http.StatusNotFound})
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
func lose(f *gleantest.Fixture, name string, failed faults.Fault, items []*component.Item, mayFail bool,
	prepare func()) {
	f.T.Helper()
	prepare()
	f.Server.Fail(failed)
	err := f.Run(items...)
	if err == nil && f.Differs() != "" || len(f.Rejected) > 0 || err != nil && !mayFail {
		f.T.Errorf("%s: %v, differs in %s, rejected %v", name, err, f.Differs(), f.Rejected)
	}
	f.Server.Heal()
	f.Time = f.Time.Add(time.Minute)
	if err := f.Run(items...); err != nil || f.Differs() != "" || len(f.Index().Unfinished()) > 0 || len(f.Rejected) > 0 {
		f.T.Fatalf("%s: the next run: %v, differs in %s, rejected %v, unfinished %v", name, err, f.Differs(), f.Rejected,
			f.Index().Unfinished())
	}
}

// leave makes an upload of a stream that a run which has ended left unfinished.
func leave(f *gleantest.Fixture, stream string) {
	body := fmt.Appendf(nil, `{"uploadId":"pipe-%s-%s","datasource":"backstage","isFirstPage":true,%q:[]}`, stream,
		f.RunID(), stream)
	if stream == "memberships" {
		body = append(body[:len(body)-1], `,"group":"group:default/all"}`...)
	}
	f.PostBody(strings.TrimSuffix(api.Prefix, "/")+streamPaths[stream], body)
}

// TestRefusesAll: where Glean refuses whatever comes, no item is blamed.
func TestRefusesAll(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusConflict} {
		f := gleantest.Start(t, sandbox.Rules{})
		f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Status: status, Body: "Invalid request"})
		err := f.Run(append(gleantest.Docs(2), gleantest.User("ann"))...)
		if err == nil || !strings.Contains(err.Error(), "Invalid request") || fault.RemedyOf(err) == "" ||
			len(f.Rejected) > 0 {
			t.Errorf("%d: %v, rejected %v", status, err, f.Rejected)
		}
	}
}

// TestBadItemAndLostAnswer: the answer to the last page is lost, and the page holds an item that Glean
// refuses.
func TestBadItemAndLostAnswer(t *testing.T) {
	for _, rules := range []sandbox.Rules{{}, {StatusLags: 5 * time.Second}} {
		for _, bad := range []string{"d001", "d011"} { // in the first and in the last page
			f := gleantest.Start(t, rules)
			f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: gleantest.Holding(bad),
				Status: http.StatusServiceUnavailable, Times: 1})
			f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: gleantest.Holding(bad),
				Status: http.StatusBadRequest,
				Body:   "Bad content"})
			if err := f.Run(append(gleantest.Docs(12), gleantest.User("ann"))...); err != nil || len(f.IDs()) != 11 ||
				f.Rejected["component:default/"+bad] != "Bad content" || f.Now().After(time.Unix(1_800_000_030, 0)) {
				t.Errorf("%s: %v, %d documents, rejected %v, took until %v", bad, err, len(f.IDs()), f.Rejected, f.Now())
			}
		}
	}
}
