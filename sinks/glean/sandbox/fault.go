package sandbox

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// PageKind says which pages of an upload a fault is for. A single page is both
// the first and the last.
type PageKind uint8

// The kinds of page.
const (
	AnyPage PageKind = iota
	FirstPage
	MiddlePage
	LastPage
)

// Fault makes the server misbehave: the first fault added that matches a
// request and is due strikes. Of its effects Delay comes first; then one of
// Reset, HTML and Status replaces the answer, without effect on the index
// unless TakesEffect says so; LoseAnswer and Truncate spoil the answer to what
// took effect. Twice and Late are what a gateway does that sends a request
// again, or that keeps it after it gave up.
type Fault struct {
	Path  string            // a suffix of the request's path; "": all
	Page  PageKind          // which pages
	Match func([]byte) bool // of the body; nil: all
	After int               // so many matching requests pass first
	Times int               // how often it strikes; 0: always

	Delay      time.Duration // a wait, cut short when the connection ends
	Status     int           // answer with this status, Header and Body
	Header     http.Header
	Body       string
	HTML       bool // answer 200 with a sign-in page
	Reset      bool // reset the connection
	LoseAnswer bool // take effect, then reset the connection
	Truncate   bool // take effect, then send half of the answer and close

	TakesEffect bool // take effect before the answer is replaced
	Twice       bool // take effect twice, and answer as the second time
	Late        int  // take effect once more, after so many further requests
}

// FalseAnswers are faults whose answers to a write are no acknowledgement,
// although their status says that all went well. They have no effect on the
// index unless TakesEffect is set.
func FalseAnswers() map[string]Fault {
	json := http.Header{"Content-Type": {"application/json"}}
	text := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	return map[string]Fault{
		"a sign-in page":      {HTML: true},
		"202":                 {Status: http.StatusAccepted},
		"204":                 {Status: http.StatusNoContent},
		"207 with an object":  {Status: http.StatusMultiStatus, Header: json, Body: `{}`},
		"text":                {Status: http.StatusOK, Header: text, Body: "OK"},
		"an error object":     {Status: http.StatusOK, Header: json, Body: `{"error":"no"}`},
		"a list of errors":    {Status: http.StatusOK, Header: json, Body: `{"errors":[]}`},
		"no success":          {Status: http.StatusOK, Header: json, Body: `{"success":false}`},
		"a problem":           {Status: http.StatusOK, Header: json, Body: `{"status":503,"detail":"maintenance"}`},
		"an array":            {Status: http.StatusOK, Header: json, Body: `[]`},
		"null":                {Status: http.StatusOK, Header: json, Body: `null`},
		"an object that ends": {Status: http.StatusOK, Header: json, Body: `{"uploadId":"a`},
		"a name twice":        {Status: http.StatusOK, Header: json, Body: `{"success":true,"success":true}`},
		"an object and more":  {Status: http.StatusOK, Header: json, Body: `{}{"error":"no"}`},
	}
}

const signIn = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to continue</body></html>"

type fault struct {
	Fault
	seen int
}

// Fail adds a fault.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{Fault: f})
}

// Heal removes all faults, and what was to come late.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.late = nil
}

func (s *Server) faultFor(path string, body []byte) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if !strings.HasSuffix(path, f.Path) || !f.Page.matches(body) || f.Match != nil && !f.Match(body) {
			continue
		}
		f.seen++
		if f.seen > f.After && (f.Times == 0 || f.seen <= f.After+f.Times) {
			return &f.Fault
		}
	}
	return nil
}

func (k PageKind) matches(body []byte) bool {
	if k == AnyPage {
		return true
	}
	var p api.Page
	if codec.Unmarshal(body, &p) != nil || p.UploadID == "" {
		return false
	}
	switch k {
	case FirstPage:
		return p.IsFirstPage
	case LastPage:
		return p.IsLastPage
	default:
		return !p.IsFirstPage && !p.IsLastPage
	}
}

// wait is Delay. The methods of a nil Fault do nothing.
func (f *Fault) wait(request context.Context) {
	if f == nil || f.Delay == 0 {
		return
	}
	t := time.NewTimer(f.Delay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-request.Done():
	}
}

// replace is the answer instead of the server's own, if there is one.
func (f *Fault) replace() (answer, bool) {
	switch {
	case f == nil:
		return answer{}, false
	case f.Reset:
		return answer{drop: true}, true
	case f.HTML:
		return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: []byte(signIn)}, true
	case f.Status != 0:
		return answer{status: f.Status, header: f.Header, body: []byte(f.Body)}, true
	}
	return answer{}, false
}

// spoil damages an answer to what took effect.
func (f *Fault) spoil(a *answer) {
	if f == nil {
		return
	}
	a.drop, a.cut = f.LoseAnswer, f.Truncate
}

// reset ends the connection so that the client gets no answer.
func reset(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			if t, ok := c.(*net.TCPConn); ok {
				_ = t.SetLinger(0) // a reset rather than an orderly end
			}
			_ = c.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

// arrival is a request that takes effect later.
type arrival struct {
	after   int // further requests
	request *http.Request
	body    []byte
}

// delay keeps what a fault lets come late.
func (s *Server) delay(f *Fault, r *http.Request, body []byte) {
	if f == nil || f.Late == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = append(s.late, &arrival{after: f.Late + 1, request: r, body: body})
}

// arrive lets take effect what is due after one more request.
func (s *Server) arrive() {
	s.mu.Lock()
	var due []*arrival
	s.late = slices.DeleteFunc(s.late, func(a *arrival) bool {
		if a.after--; a.after > 0 {
			return false
		}
		due = append(due, a)
		return true
	})
	s.mu.Unlock()
	for _, a := range due {
		s.answer(a.request, a.body, nil)
	}
}
