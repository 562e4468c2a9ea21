//go:build browser

package preview_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
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

	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// browser is a page in a browser.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string // what the console shows
}

func newBrowser(t *testing.T) *browser {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("there is no chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
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

func do[T any](b *browser, a chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// keys presses keys; "shift+" before a key holds Shift.
func (b *browser) keys(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		if plain, shifted := strings.CutPrefix(k, "shift+"); shifted {
			do(b, chromedp.KeyEvent(plain, chromedp.KeyModifiers(chromedp.ModifierShift)))
			continue
		}
		do(b, chromedp.KeyEvent(k))
	}
}

// wait waits until an expression is true.
func (b *browser) wait(expression string) {
	b.t.Helper()
	for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		}
	}
	b.t.Fatalf("%s is not true on the page:\n%s", expression, do(b, chromedp.Evaluate[string]("document.body.innerText")))
}

// TestSearchInBrowser: with the keyboard alone, two people find different documents and open one;
// pages fit a phone and a desktop screen, in both colours, and the console shows nothing.
func TestSearchInBrowser(t *testing.T) {
	b := newBrowser(t)
	w := newWorld(t)
	w.publish()
	w.write(strings.Replace(people+pages, `"members":["bob","cat"]`, `"members":["bob","cat","dan"]`, 1))
	x := w.build()
	server := httptest.NewUnstartedServer(nil)
	codes := &signin.Memory{}
	guard := signin.NewGuard(signin.Options{Origins: []string{"http://" + server.Listener.Addr().String()}, Codes: codes,
		Cookie: "pipe-preview", Person: func(name string) *signin.Principal { return &signin.Principal{Name: name} }})
	handler := preview.Handler(preview.Options{Index: func() *preview.Index { return x }})
	server.Config.Handler = guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if guard.Session(r) == nil {
			http.Error(w, "not signed in", http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	server.Start()
	defer server.Close()

	do(b, chromedp.Navigate(guard.Link(codes.Issue("ann"))))
	b.wait(`document.activeElement.id === "q"`)
	found := func() string {
		return do(b, chromedp.Evaluate[string](
			`[...document.querySelectorAll(".hits h3")].map(e => e.innerText).sort().join(", ")`))
	}
	for _, c := range []struct{ who, person, found string }{
		{"ann@example.com", "Ann Archer", "Blue plans, Budget, Welcome"},
		{"bob", "Bob Baker", "Red plans, Salary of Bob, Welcome"},
	} {
		b.keys("shift+"+kb.Tab, c.who)
		b.wait(`[...document.querySelectorAll("#people option")].some(o => o.value.startsWith("` + c.person + `"))`)
		b.keys(kb.Tab, "shared", kb.Enter)
		b.wait(`location.search.includes("q=shared")`)
		b.wait(`document.querySelector("#found")?.innerText.includes("` + c.person + `")`)
		if got := found(); got != c.found {
			t.Errorf("%s finds %s, want %s", c.person, got, c.found)
		}
		do(b, chromedp.Navigate("http://"+server.Listener.Addr().String()+"/"))
		b.wait(`document.activeElement.id === "q" && document.querySelector("#as").value === ""`)
	}

	// The view before, by the arrow keys: Dan did not find the plans of the red team.
	b.keys("shift+"+kb.Tab, "dan", kb.Tab, "plans", kb.Enter)
	b.wait(`document.querySelector("#found")?.innerText.startsWith("1 document for Dan")`)
	b.wait(`document.activeElement.id === "q"`)
	b.keys(kb.Tab, kb.ArrowRight, kb.Enter)
	b.wait(`document.querySelector("#found")?.innerText.startsWith("0 documents for Dan")`)
	b.wait(`document.activeElement.id === "q"`)
	b.keys(kb.Tab, kb.ArrowLeft, kb.Enter)
	b.wait(`document.querySelector("#found")?.innerText.startsWith("1 document for Dan")`)
	b.wait(`document.activeElement.id === "q"`)
	b.keys(kb.Tab, kb.Tab, kb.Tab)
	b.wait(`document.activeElement.innerText === "Red plans"`)
	b.keys(kb.Enter)
	b.wait(`document.querySelector(".chain")?.innerText.includes("red")`)
	document := do(b, chromedp.Location())

	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	for name, address := range map[string]string{
		"search": "/?as=cat&q=shared", "document": strings.TrimPrefix(document, "http://"+server.Listener.Addr().String()),
		"person": "/?as=example.com", "none": "/?as=dan&q=nothing",
	} {
		for _, width := range []int64{400, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				do(b, chromedp.EmulateViewport(width, 900))
				do(b, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
					_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
						Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
					})
					return err
				}))
				do(b, chromedp.Navigate("http://"+server.Listener.Addr().String()+address))
				b.wait(`document.readyState === "complete"`)
				if wide := do(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth`)); int64(wide) > width {
					t.Errorf("%s is %d pixels wide on a screen of %d", name, wide, width)
				}
				if bad := do(b, chromedp.Evaluate[string](contrasts)); bad != "" {
					t.Errorf("%s at %d pixels, %s:\n%s", name, width, scheme, bad)
				}
				shot := filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
				if err := os.WriteFile(shot, do(b, chromedp.FullScreenshot(100)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.faults) > 0 {
		t.Errorf("the console shows:\n%s", strings.Join(b.faults, "\n"))
	}
}

// contrasts returns the texts whose contrast is too low, and fields without a label.
const contrasts = `(() => {
const rgb = text => text.match(/[\d.]+/g).map(Number)
const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0)
const back = e => { for (; e; e = e.parentElement) {
  const c = rgb(getComputedStyle(e).backgroundColor)
  if (c.length < 4 || c[3] > 0) return c
} return [255, 255, 255] }
const out = []
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
for (let n; n = walker.nextNode();) {
  if (!n.data.trim() || n.parentElement.closest("datalist")) continue
  const a = light(rgb(getComputedStyle(n.parentElement).color)), b = light(back(n.parentElement))
  const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05)
  if (contrast < 4.5) out.push("contrast " + contrast.toFixed(2) + " of " + n.data)
}
document.querySelectorAll("input:not([type=hidden])").forEach(e => {
  if (!e.labels.length) out.push(e.id + " has no label")
})
if (document.querySelectorAll("h1").length !== 1) out.push("not one h1")
return out.join("\n")
})()`
