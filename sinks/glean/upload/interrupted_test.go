package upload_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestAbandoned: a run ends hard at each of its requests, before or after it
// takes effect. The next run cleans up and delivers its own catalog, whichever
// that is.
func TestAbandoned(t *testing.T) {
	const size = 7
	for _, reading := range sandbox.Readings() {
		all := requestsOf(t, reading.Rules, size)
		for _, takesEffect := range []bool{false, true} {
			for k := range all {
				if !*thorough && reading.Name != "mild" && reading.Name != "all of them" && k%5 != 0 {
					continue
				}
				name := fmt.Sprintf("%s, request %d of %d, takes effect: %v", reading.Name, k, all, takesEffect)
				f := gleantest.Start(t, reading.Rules)
				if err := f.Run(gleantest.Company(0, size)...); err != nil {
					t.Fatal(err)
				}
				f.Reset()
				s := f.Read(gleantest.Company(1, size)...)
				if _, err := s.Holds(t.Context()); err != nil {
					t.Fatal(err)
				}
				abandon(f, s, k, takesEffect)
				next := gleantest.Company(1+k%2, size) // the planned content, or something else
				if err := f.Run(next...); err != nil || f.Differs() != "" || len(f.Rejected) > 0 {
					t.Fatalf("%s: %v, %s, rejected %v", name, err, f.Differs(), f.Rejected)
				}
				for _, u := range f.Index().Unfinished() { // of a group that is no more
					if u.Stream != "memberships" || f.Index().Groups[u.Group].Name != "" {
						t.Errorf("%s: unfinished: %+v", name, u)
					}
				}
			}
		}
	}
}

// requestsOf is how many requests publishing makes.
func requestsOf(t *testing.T, rules sandbox.Rules, size int) int {
	f := gleantest.Start(t, rules)
	if err := f.Run(gleantest.Company(0, size)...); err != nil {
		t.Fatal(err)
	}
	f.Reset()
	s := f.Read(gleantest.Company(1, size)...)
	if _, err := s.Holds(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := len(f.Requests)
	if err := s.Publish(t.Context(), f.Plan()); err != nil {
		t.Fatal(err)
	}
	return len(f.Requests) - before
}

// abandon publishes until the request of that number, where everything ends. It
// returns when the last request that took effect has done so.
func abandon(f *gleantest.Fixture, s gleantest.Session, number int, takesEffect bool) {
	run := f.LastRun
	f.T.Helper()
	ctx, cancel := context.WithCancel(f.T.Context())
	defer cancel()
	var mu sync.Mutex
	quiet := sync.NewCond(&mu)
	made, under, over := 0, 0, false
	dead := func(body []byte) bool { // a request of this run
		return len(body) == 0 && !over || gleantest.Holding(run)(body)
	}
	f.Watch(func(e sandbox.Exchange) {
		mu.Lock()
		defer mu.Unlock()
		if dead(e.Body) {
			under--
			quiet.Broadcast()
		}
	})
	f.Server.Fail(faults.Fault{Reset: true, Match: func(body []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		if !dead(body) {
			return false
		}
		n := made
		made++
		under++
		if n == number {
			cancel()
		}
		return n > number || n == number && !takesEffect
	}})
	err := s.Publish(ctx, f.Plan())
	mu.Lock()
	defer mu.Unlock()
	if !takesEffect && !errors.Is(err, context.Canceled) && made > number {
		f.T.Errorf("it went on after request %d: %v", number, err)
	}
	for under > 0 {
		quiet.Wait()
	}
	over = true // what of it still comes is lost
}

// TestRefusedCredentials: a refused token is refused for all requests; nothing is retried,
// and no other request is made.
func TestRefusedCredentials(t *testing.T) {
	for stream, path := range streamPaths {
		for name, page := range map[string]faults.PageKind{"first": faults.FirstPage, "middle": faults.MiddlePage,
			"last": faults.LastPage} {
			f := gleantest.Start(t, sandbox.Rules{}, func(c *settings.Config) { c.Concurrency = 1 })
			refused, after := false, 0
			failed := faults.Fault{Path: path, Page: page, Status: http.StatusUnauthorized,
				Match: func([]byte) bool { refused = true; return true }}
			if stream == "memberships" && name != "first" {
				failed.Match = func(b []byte) bool {
					refused = refused || gleantest.Holding("group:default/all")(b)
					return refused
				}
			}
			f.Server.Fail(failed)
			f.Watch(func(e sandbox.Exchange) {
				if refused {
					after++
				}
			})
			err := f.Run(gleantest.Company(1, 17)...)
			if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "401") || after != 1 {
				t.Errorf("%s, %s page: %v, %d requests", stream, name, err, after)
			}
		}
	}
}

// TestRefusedAfterLostAnswer: the token is refused when the answer to a last page was lost.
func TestRefusedAfterLostAnswer(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Page: faults.LastPage, Status: http.StatusServiceUnavailable,
		Times: 1})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Page: faults.LastPage, Status: http.StatusUnauthorized})
	err := f.Run(append(gleantest.Docs(12), gleantest.User("ann"))...)
	if fault.ClassOf(err) != fault.Fatal || f.Made("debug/backstage/status") != 1 { // of the review
		t.Errorf("%v, %v", err, f.Requests)
	}
}

// TestRefusedCredentialsInParallel: the other pages in flight are the last ones.
func TestRefusedCredentialsInParallel(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Page: faults.MiddlePage, After: 3,
		Status: http.StatusUnauthorized})
	err := f.Run(append(gleantest.Docs(200), gleantest.User("ann"))...)
	if fault.ClassOf(err) != fault.Fatal || f.Made("bulkindexdocuments") > 1+3+3 {
		t.Errorf("%v, %d pages", err, f.Made("bulkindexdocuments"))
	}
}

// TestThrottled: Glean asks for pauses all the time, with and without saying how
// long.
func TestThrottled(t *testing.T) {
	for _, header := range []http.Header{nil, {"Retry-After": {"0"}}, {"Retry-After": {"nonsense"}},
		{"X-Ratelimit-Reset": {"0"}}} {
		f := gleantest.Start(t, sandbox.Rules{Scope: sandbox.OfDatasource})
		var n atomic.Int64
		f.Server.Fail(faults.Fault{Status: http.StatusTooManyRequests, Header: header,
			Match: func([]byte) bool { return n.Add(1)%3 != 0 }})
		f.Config.Concurrency = 1 // makes each third attempt a new request
		if err := f.Run(gleantest.Company(1, 7)...); err != nil || f.Differs() != "" {
			t.Errorf("%v: %v, %s", header, err, f.Differs())
		}
	}
}
