package faults

import (
	"context"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// PageKind selects the pages of an upload for a fault. A single page is both the first and
// the last.
type PageKind uint8

// The kinds of page.
const (
	AnyPage PageKind = iota
	FirstPage
	MiddlePage
	LastPage
)

// Fault makes the server misbehave: the first added fault that matches a request and is due
// applies. Delay comes first; then one of Reset, HTML and Status replaces the answer,
// without effect on the index unless TakesEffect is set. LoseAnswer and Truncate damage the
// answer to a request that took effect. Twice and Late imitate a gateway that repeats a
// request, or delivers it after it gave up.
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
	Late        int  // takes effect again after this many further requests
}

// FalseAnswers are faults that answer a write with a success status but no acknowledgement.
// They have no effect on the index unless TakesEffect is set.
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

// replace returns the answer that replaces the server's own, if there is one.
func (f *Fault) replace() (sandbox.Answer, bool) {
	switch {
	case f == nil:
		return sandbox.Answer{}, false
	case f.Reset:
		return sandbox.Answer{Drop: true}, true
	case f.HTML:
		return sandbox.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
			Body: []byte(signIn)}, true
	case f.Status != 0:
		return sandbox.Answer{Status: f.Status, Header: f.Header, Body: []byte(f.Body)}, true
	}
	return sandbox.Answer{}, false
}

// spoil damages an answer to what took effect.
func (f *Fault) spoil(a *sandbox.Answer) {
	if f == nil {
		return
	}
	a.Drop, a.Cut = f.LoseAnswer, f.Truncate
}
