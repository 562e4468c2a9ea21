//go:build browser

package web_test

import (
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/browsertest"
)

// TestInBrowser: a person signs in, looks at a refused run and approves it with the keyboard alone;
// pages fit a phone and a desktop screen, and the console shows nothing.
func TestInBrowser(t *testing.T) {
	s := newSite(t, "")
	b := browsertest.New(t, 2*time.Minute)
	first, err := s.Server.Pipelines()[0].Trigger(serve.Request{By: "schedule", How: serve.BySchedule})
	if err != nil {
		t.Fatal(err)
	}
	<-first.Ended()
	s.Write(30, 10)
	second, err := s.Server.Pipelines()[0].Trigger(serve.Request{By: "schedule", How: serve.BySchedule})
	if err != nil {
		t.Fatal(err)
	}
	<-second.Ended()
	b.Open(s.link("ann"))
	b.Wait(`document.body.innerText.includes("waits for approval")`)
	b.Look("overview")
	b.Focus("Look at run")
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector("#approve") !== null`)
	b.Look("refused")
	b.Focus(" reason")
	b.Press("pages were merged")
	b.Focus("Approve refusal")
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector("h1").innerText.includes("delivered")`)
	b.Look("run")
	b.Open(s.web.Origin() + "/pipelines/handbook")
	b.Wait(`document.readyState === "complete"`)
	b.Look("pipeline")
	b.Focus("Search as a person")
	b.Press(browsertest.Enter)
	b.Wait(`document.body.innerText.includes("Read the documents")`)
	b.Look("search-read")
	b.Focus("Read the documents")
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector("input[name=q]") !== null`)
	b.Look("search")
	b.Open(s.web.Origin() + "/pipelines/handbook/log")
	b.Wait(`document.body.innerText.includes("approve")`)
	b.Look("log")
}
