//go:build browser

package web_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/pipe-engine/pipe/engine/serve"
)

// tab is a page of a real browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string // what the console shows
}

func newTab(t *testing.T) *tab {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("there is no chromium")
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	do(b, chromedp.Navigate("about:blank")) // starts the browser
	if err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			b.faults = append(b.faults, fmt.Sprintf("console: %+v", e))
		case *runtime.EventExceptionThrown:
			b.faults = append(b.faults, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
		case *log.EventEntryAdded:
			b.faults = append(b.faults, e.Entry.Text+" "+e.Entry.URL)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return b
}

func do[T any](b *tab, a chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// wait waits until an expression is true.
func (b *tab) wait(expression string) {
	b.t.Helper()
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		}
	}
	b.t.Fatalf("%s is not true on the page:\n%s", expression, do(b, chromedp.Evaluate[string]("document.body.innerText")))
}

// focus moves to an element with the Tab key alone.
func (b *tab) focus(text string) {
	b.t.Helper()
	for range 120 {
		do(b, chromedp.KeyEvent(kb.Tab))
		active := do(b, chromedp.Evaluate[string]("document.activeElement.innerText + ' ' + document.activeElement.id"))
		if strings.Contains(active, text) {
			return
		}
	}
	b.t.Fatalf("the Tab key does not reach %q on:\n%s", text, do(b, chromedp.Evaluate[string]("document.body.innerText")))
}

// shots takes pictures of the page on a phone and a desktop, in both colours, for a person to
// look at, in the folder of SCREENSHOTS; and it checks that the page fits.
func (b *tab) shots(name string) {
	b.t.Helper()
	for _, width := range []int64{400, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			do(b, chromedp.EmulateViewport(width, 900))
			do(b, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				return err
			}))
			if wide := do(b, chromedp.Evaluate[int]("document.documentElement.scrollWidth")); wide > int(width) {
				b.t.Errorf("%s is %d pixels wide on a screen of %d", name, wide, width)
			}
			if folder := os.Getenv("SCREENSHOTS"); folder != "" {
				file := filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
				if err := os.WriteFile(file, do(b, chromedp.FullScreenshot(100)), 0o600); err != nil {
					b.t.Fatal(err)
				}
			}
		}
	}
}

// TestInBrowser: a person signs in, looks at a refused run and approves it with the keyboard alone;
// pages fit a phone and a desktop screen, and the console shows nothing.
func TestInBrowser(t *testing.T) {
	s := newSite(t, "")
	b := newTab(t)
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
	do(b, chromedp.Navigate(s.link("ann")))
	b.wait(`document.body.innerText.includes("waits for approval")`)
	b.shots("overview")
	b.focus("Look at run")
	do(b, chromedp.KeyEvent(kb.Enter))
	b.wait(`document.querySelector("#approve") !== null`)
	b.shots("refused")
	b.focus(" reason")
	do(b, chromedp.KeyEvent("pages were merged"))
	b.focus("Approve refusal")
	do(b, chromedp.KeyEvent(kb.Enter))
	b.wait(`document.querySelector("h1").innerText.includes("delivered")`)
	b.shots("run")
	do(b, chromedp.Navigate(s.web.Origin()+"/pipelines/handbook"))
	b.wait(`document.readyState === "complete"`)
	b.shots("pipeline")
	b.focus("Search as a person")
	do(b, chromedp.KeyEvent(kb.Enter))
	b.wait(`document.body.innerText.includes("Read the documents")`)
	b.shots("search-read")
	b.focus("Read the documents")
	do(b, chromedp.KeyEvent(kb.Enter))
	b.wait(`document.querySelector("input[name=q]") !== null`)
	b.shots("search")
	do(b, chromedp.Navigate(s.web.Origin()+"/pipelines/handbook/log"))
	b.wait(`document.body.innerText.includes("approve")`)
	b.shots("log")
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		t.Errorf("the console shows: %s", fault)
	}
}
