package upload_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestFaults: 23 documents in five pages; whatever goes wrong on the way, either
// all of them are in the index in the end or the upload is not finished.
func TestFaults(t *testing.T) {
	const all = 23
	for name, tc := range map[string]struct {
		fault faults.Fault
		rules sandbox.Rules
		want  string // in the error, "" for none
		class fault.Class
	}{
		"503 once": {fault: faults.Fault{Status: 503, Times: 1}},
		"429 once": {fault: faults.Fault{Status: 429, Header: http.Header{"Retry-After": {"0"}},
			Times: 3}},
		"the first page resets":    {fault: faults.Fault{Page: faults.FirstPage, Reset: true, Times: 1}},
		"the first answer is lost": {fault: faults.Fault{Page: faults.FirstPage, LoseAnswer: true, Times: 1}},
		"the first answer is lost, as 400": {fault: faults.Fault{Page: faults.FirstPage, LoseAnswer: true, Times: 1},
			rules: sandbox.Rules{ConflictIsBadRequest: true}},
		"a middle answer is lost": {fault: faults.Fault{Page: faults.MiddlePage, LoseAnswer: true, Times: 2},
			rules: sandbox.Rules{StrictIDs: true}},
		"the last answer is lost":          {fault: faults.Fault{Page: faults.LastPage, LoseAnswer: true, Times: 1}},
		"the last answer is cut":           {fault: faults.Fault{Page: faults.LastPage, Truncate: true, Times: 1}},
		"every answer to the last is lost": {fault: faults.Fault{Page: faults.LastPage, LoseAnswer: true, Times: 5}},
		"pages are found at once": {rules: sandbox.Rules{VisibleBeforeLastPage: true, RefuseReusedUploadIDs: true,
			StrictIDs: true}},
		"a page is too large": {fault: faults.Fault{Page: faults.MiddlePage, Match: gleantest.Holding(`d007"`), Status: 413,
			Times: 1}},
		"the first page is too large": {fault: faults.Fault{Page: faults.FirstPage, Status: 413, Times: 2}},
		"the last page is too large":  {fault: faults.Fault{Page: faults.LastPage, Status: 413, Times: 1}},
		"a middle page fails": {fault: faults.Fault{Page: faults.MiddlePage, Status: 500}, want: "500",
			class: fault.Transient},
		"one of the middle pages fails": {fault: faults.Fault{Page: faults.MiddlePage, Match: gleantest.Holding(`d012"`),
			Status: 500}, want: "500", class: fault.Transient},
		"the token expires midway": {fault: faults.Fault{Page: faults.MiddlePage, After: 1, Status: 401}, want: "401",
			class: fault.Fatal},
		"forbidden":       {fault: faults.Fault{Status: 403}, want: "403", class: fault.Permanent},
		"a sign-in proxy": {fault: faults.Fault{HTML: true}, want: "HTML page", class: fault.Fatal},
		"the last page fails": {fault: faults.Fault{Page: faults.LastPage, Status: 503}, want: "503",
			class: fault.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			f := gleantest.Start(t, tc.rules)
			failed := tc.fault
			failed.Path = gleantest.DocumentsPath
			if failed.Status != 0 || failed.HTML || failed.Reset || failed.LoseAnswer || failed.Truncate {
				f.Server.Fail(failed)
			}
			err := f.Run(append(gleantest.Docs(all), gleantest.User("ann"))...)
			if tc.want == "" {
				if err != nil || len(f.IDs()) != all || f.Sent["documents"] != all || f.Unfinished() != "" {
					t.Errorf("%v, %d documents, %d sent, unfinished %q", err, len(f.IDs()), f.Sent["documents"], f.Unfinished())
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.ClassOf(err) != tc.class {
				t.Errorf("%v (%v)", err, fault.ClassOf(err))
			}
			for _, u := range f.Index().Uploads {
				if u.Stream == "documents" && !u.Ended.IsZero() {
					t.Errorf("the upload was ended: %+v", u)
				}
			}
			if n := len(f.IDs()); n != 0 {
				t.Errorf("%d documents are found", n)
			}
			// The next run starts over.
			f.Server.Heal()
			if err := f.Run(append(gleantest.Docs(all), gleantest.User("ann"))...); err != nil || len(f.IDs()) != all {
				t.Errorf("the next run: %v, %d documents", err, len(f.IDs()))
			}
		})
	}
}

// TestNeverEndedAfterAFailedPage: under random faults an upload is ended only
// when each of its pages was acknowledged (invariant 1), and then holds every
// document once.
func TestNeverEndedAfterAFailedPage(t *testing.T) {
	const all = 40
	random := rand.New(rand.NewPCG(1, 2))
	delivered := 0
	for range 40 {
		f := gleantest.Start(t, sandbox.Rules{StrictIDs: true, RefuseReusedUploadIDs: random.IntN(2) == 0,
			ConflictIsBadRequest: random.IntN(2) == 0})
		for range 1 + random.IntN(3) {
			f.Server.Fail(faults.Fault{
				Path: gleantest.DocumentsPath, Page: faults.PageKind(random.IntN(4)), After: random.IntN(6),
				Times:  1 + random.IntN(9),
				Status: []int{0, 429, 500, 503}[random.IntN(4)], Reset: random.IntN(3) == 0, LoseAnswer: random.IntN(2) == 0,
				Truncate: random.IntN(4) == 0,
			})
		}
		err := f.Run(append(gleantest.Docs(all), gleantest.User("ann"))...)
		ended := f.Unfinished() == "" && slices.ContainsFunc(f.Index().Uploads,
			func(u sandbox.Upload) bool { return u.Stream == "documents" && !u.Ended.IsZero() })
		switch {
		case ended && len(f.IDs()) != all:
			t.Fatalf("the upload was ended with %d documents, error %v", len(f.IDs()), err)
		case err == nil && !ended:
			t.Fatal("no error, and the upload was not ended")
		case err == nil:
			delivered++
		}
	}
	if delivered == 0 || delivered == 40 {
		t.Errorf("%d of 40 runs were delivered: the faults prove nothing", delivered)
	}
}

// TestBadDocuments: Glean refuses some documents for a reason that the sink
// does not know.
func TestBadDocuments(t *testing.T) {
	refuse := func(c *settings.Config) { c.Datasource.URLRegex = "" } // the sink accepts what the server refuses
	bad := func(name string) *component.Item {
		i := gleantest.Doc(name)
		for n, f := range i.Fields {
			if f.Name == "viewURL" {
				i.Fields[n].Value = "https://other.example/" + name
			}
		}
		return i
	}
	for name, tc := range map[string]struct {
		bad  []int // of 23
		want string
	}{
		"in the first page":   {[]int{2}, ""},
		"in the middle":       {[]int{7, 13}, ""},
		"in the last page":    {[]int{22}, ""},
		"the last of a page":  {[]int{4}, ""},
		"three":               {[]int{0, 9, 21}, ""},
		"the last one, alone": {[]int{20}, ""},
		"again and again":     {[]int{0, 4, 9, 14, 19}, "repeatedly for the same reason"},
		"a whole first page":  {[]int{0, 1, 2, 3, 4}, "repeatedly"},
	} {
		t.Run(name, func(t *testing.T) {
			f := gleantest.Start(t, sandbox.Rules{}, refuse, func(c *settings.Config) {
				c.Datasource.IsEntityDatasource = gleantest.Yes()
			})
			agrees(f)
			items := gleantest.Docs(23)
			if tc.bad[0] == 20 { // and its page is the last
				items = items[:21]
			}
			all := len(items)
			for _, i := range tc.bad {
				items[i] = bad(fmt.Sprintf("d%03d", i))
			}
			err := f.Run(append(items, gleantest.User("ann"))...)
			if tc.want != "" {
				ended := slices.ContainsFunc(f.Index().Uploads, func(u sandbox.Upload) bool {
					return u.Stream == "documents" &&
						!u.Ended.IsZero()
				})
				if err == nil || !strings.Contains(err.Error(), tc.want) || ended || len(f.IDs()) != 0 {
					t.Errorf("%v, ended %v, %v", err, ended, f.IDs())
				}
				return
			}
			if err != nil || f.Unfinished() != "" || len(f.IDs()) != all-len(tc.bad) || len(f.Rejected) != len(tc.bad) ||
				f.Sent["documents"] != all-len(tc.bad) {
				t.Errorf("%v, %d documents, %d sent, rejected %v", err, len(f.IDs()), f.Sent["documents"], f.Rejected)
			}
			for id, reason := range f.Rejected {
				if !strings.Contains(reason, "viewURL: does not match urlRegex") {
					t.Errorf("%s: %q", id, reason)
				}
			}
		})
	}
}

// agrees makes the sink's schema accept what the server will refuse, while their configs
// agree.
func agrees(f *gleantest.Fixture) {
	f.Config.Datasource = gleantest.Catalog()
}

// TestNamelessReason: the reason names no document, so halving finds it.
func TestNamelessReason(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: gleantest.Holding(`about d011"`), Status: 400,
		Body: "Bad content"})
	if err := f.Run(append(gleantest.Docs(23), gleantest.User("ann"))...); err != nil || len(f.IDs()) != 22 ||
		f.Rejected["component:default/d011"] != "Bad content" {
		t.Errorf("%v, %d documents, rejected %v", err, len(f.IDs()), f.Rejected)
	}
}

// TestNamedReason: a reason that names the document costs five requests more.
func TestNamedReason(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Batch.Documents = 100 })
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: gleantest.Holding(`about d061"`), Status: 400,
		Body: `document "Component:default/d061": Bad content`})
	if err := f.Run(append(gleantest.Docs(100), gleantest.User("ann"))...); err != nil || len(f.IDs()) != 99 ||
		f.Made("bulkindexdocuments") != 6 {
		t.Errorf("%v, %d documents, %v", err, len(f.IDs()), f.Requests)
	}
}

// TestDisplaced: another upload replaces this one while it is running; no document is
// blamed.
func TestDisplaced(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	var once sync.Once
	f.Watch(func(e sandbox.Exchange) {
		if strings.HasSuffix(e.Path, gleantest.DocumentsPath) && !bytes.Contains(e.Body, []byte(`"other"`)) {
			once.Do(func() {
				f.Post(api.PathBulkIndexDocuments, api.BulkIndexDocumentsRequest{Page: api.Page{UploadID: "other",
					Datasource: "backstage", IsFirstPage: true, ForceRestartUpload: true}})
			})
		}
	})
	err := f.Run(append(gleantest.Docs(23), gleantest.User("ann"))...)
	if err == nil || !strings.Contains(err.Error(), "another upload has replaced this one") || len(f.Rejected) != 0 {
		t.Errorf("%v, rejected %v", err, f.Rejected)
	}
}

func TestTooLargeAlone(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: gleantest.Holding(`about d011"`), Status: 413})
	if err := f.Run(append(gleantest.Docs(23), gleantest.User("ann"))...); err != nil ||
		f.Rejected["component:default/d011"] != "it is larger than "+
			"Glean accepts in one request" || len(f.IDs()) != 22 {
		t.Errorf("%v, rejected %v", err, f.Rejected)
	}
}

// TestRefusedIdentities: a group that Glean refuses gets no members.
func TestRefusedIdentities(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: "/bulkindexgroups", Match: gleantest.Holding(`/b"`), Status: 400, Body: "Bad group"})
	if err := f.Run(gleantest.User("ann"), gleantest.Group("a", "user:default/ann"),
		gleantest.Group("b", "user:default/ann")); err != nil {
		t.Fatal(err)
	}
	if m := f.Index().Memberships; len(m) != 1 || len(m["group:default/a"]) != 1 ||
		f.Rejected["group:default/b"] != "Bad group" {
		t.Errorf("%v %v", m, f.Rejected)
	}
}

// TestLargeGroup: the members of one group in more than one page.
func TestLargeGroup(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{RefuseUnknownPrincipals: true})
	var items []*component.Item
	var members []string
	for i := range 17 {
		items = append(items, gleantest.User(fmt.Sprintf("u%02d", i)))
		members = append(members, fmt.Sprintf("user:default/u%02d", i))
	}
	if err := f.Run(append(items, gleantest.Group("a", members...), gleantest.Group("b", members[:5]...))...); err != nil {
		t.Fatal(err)
	}
	if m := f.Index().Memberships; len(m["group:default/a"]) != 17 || len(m["group:default/b"]) != 5 {
		t.Errorf("%v", m)
	}
}

// TestLargeGroupIsAlone: a group whose members take several pages is uploaded
// after all groups before it, and before all groups after it.
func TestLargeGroupIsAlone(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	const path = "/bulkindexmemberships"
	var mu sync.Mutex
	open := map[string]int{} // requests without an answer, by group
	var begun bool           // the upload of the large group
	group17 := gleantest.Holding("group:default/large")
	check := func(body []byte, n int) {
		mu.Lock()
		defer mu.Unlock()
		name := "small"
		if group17(body) {
			name = "large"
			begun = n > 0 || !bytes.Contains(body, []byte(`"isLastPage":true`))
		} else if begun && n > 0 {
			t.Error("a small group is sent while the upload of the large one is open")
		}
		open[name] += n
		if open["small"] > 0 && open["large"] > 0 {
			t.Errorf("requests at once: %v", open)
		}
	}
	f.Server.Fail(faults.Fault{Path: path, Match: func(b []byte) bool { check(b, 1); return false }})
	f.Server.Fail(faults.Fault{Path: path, Delay: 50 * time.Millisecond})
	f.Watch(func(e sandbox.Exchange) {
		if strings.HasSuffix(e.Path, path) {
			check(e.Body, -1)
		}
	})
	var items []*component.Item
	var members []string
	for i := range 17 {
		items = append(items, gleantest.User(fmt.Sprintf("u%02d", i)))
		members = append(members, fmt.Sprintf("user:default/u%02d", i))
	}
	items = append(items, gleantest.Group("a", members[:5]...), gleantest.Group("b", members[:5]...),
		gleantest.Group("large", members...),
		gleantest.Group("z", members[:5]...))
	done := make(chan error, 1)
	go func() { done <- f.Run(items...) }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the run does not end")
	}
	if m := f.Index().Memberships; len(m["group:default/large"]) != 17 || len(m["group:default/z"]) != 5 {
		t.Errorf("%v", m)
	}
}

// TestStop: the running upload is completed, no other is begun.
func TestStop(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: "/bulkindexusers", Page: faults.LastPage, Times: 1,
		Match: func([]byte) bool { close(f.Stop); return true }})
	err := f.Publish(f.Read(gleantest.User("ann"), gleantest.User("bob"), gleantest.Group("a"), gleantest.Doc("a")))
	i := f.Index()
	if !errors.Is(err, fault.ErrStopped) || len(i.Users) != 2 || len(i.Groups) != 0 || len(i.Documents) != 0 ||
		f.Unfinished() != "" {
		t.Errorf("%v %+v", err, i.Uploads)
	}
}

// TestDeletion: deletions that the engine's guards have compared are made; those that they
// could not see are paused.
func TestDeletion(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	if err := f.Run(append(gleantest.Docs(10), gleantest.User("ann"), gleantest.User("bob"))...); err != nil {
		t.Fatal(err)
	}
	if err := f.Run(append(gleantest.Docs(5), gleantest.User("ann"))...); err != nil || len(f.IDs()) != 5 ||
		len(f.Index().Users) != 1 {
		t.Errorf("half of them: %v, %d documents, %d users", err, len(f.IDs()), len(f.Index().Users))
	}
	var changed []*component.Item
	for i := range 5 {
		changed = append(changed, gleantest.Doc(fmt.Sprintf("new%d", i)))
	}
	f.Cleared = false
	err := f.Run(append(changed, gleantest.User("ann"))...)
	if err != nil || f.Stage("documents") != component.UploadDeletionPaused ||
		f.Stage("users") != component.UploadProcessed || len(f.IDs()) != 10 {
		t.Errorf("as many with other ids: %v, %d documents", err, len(f.IDs()))
	}
}

// TestPages: pages keep to both bounds, and one item may be larger.
func TestPages(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) {
		c.Batch = settings.Batch{Documents: 100, Bytes: 4 << 10}
	})
	var largest int
	var pages int
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Match: func(b []byte) bool {
		if pages++; len(b) < 8<<10 {
			largest = max(largest, len(b))
		}
		return false
	}})
	items := append(gleantest.Docs(60), gleantest.User("ann"))
	items[30].Fields = append(items[30].Fields, component.Field{Name: "summary", Value: strings.Repeat("s", 9<<10)})
	if err := f.Run(items...); err != nil || len(f.IDs()) != 60 {
		t.Fatal(err)
	}
	if largest > 4<<10 || pages < 5 {
		t.Errorf("%d pages, the largest of %d bytes", pages, largest)
	}
}
