//go:build browser || editor

package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The keys of Tab.Press that write no letter.
const (
	Enter  = kb.Enter
	Escape = kb.Escape
	Next   = kb.Tab
	Left   = kb.ArrowLeft
	Right  = kb.ArrowRight
	Up     = kb.ArrowUp
	Down   = kb.ArrowDown
	Home   = kb.Home
	End    = kb.End
	// Back is Tab with Shift.
	Back = "shift+" + kb.Tab
	// Ctrl before a key is that key with Ctrl.
	Ctrl = "ctrl+"
)

// patience is how long Wait waits.
const patience = 20 * time.Second

// Tab is a tab of a browser of its own, without a window. Each method fails the test at once when
// the browser does not answer.
type Tab struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex
	faults  []string // what the console shows
	allowed string   // part of what it may show; "" for nothing
	quiet   bool     // it may show anything
}

// New starts a browser. The test is skipped where there is no chromium, and fails at its end when
// the console of the tab has shown anything.
func New(t *testing.T, longest time.Duration) *Tab {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("there is no chromium")
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, longest)
	t.Cleanup(cancel)
	b := &Tab{t: t, ctx: ctx}
	b.Open("about:blank") // starts the browser
	if err := chromedp.Listen(ctx, b.event); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.faults = slices.DeleteFunc(b.faults, func(line string) bool {
			return b.quiet || b.allowed != "" && strings.Contains(line, b.allowed)
		})
		if len(b.faults) > 0 {
			t.Errorf("the console shows:\n%s", strings.Join(b.faults, "\n"))
		}
	})
	return b
}

func (b *Tab) event(event any) {
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
}

func do[T any](b *Tab, a chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// Allow lets the console show lines with a text, such as that of a page with the status 401.
func (b *Tab) Allow(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = text
}

// AllowAll lets the console show anything, for the page of another program.
func (b *Tab) AllowAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.quiet = true
}

// Open loads an address.
func (b *Tab) Open(address string) {
	b.t.Helper()
	do(b, chromedp.Navigate(address))
}

// Address returns the address of the page.
func (b *Tab) Address() string {
	b.t.Helper()
	return do(b, chromedp.Location())
}

// Press presses keys, such as Enter or "ctrl+shift+o". A text of several letters is typed.
func (b *Tab) Press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		var held kb.Modifier
		for more := true; more; {
			var ctrl, shift bool
			if k, ctrl = strings.CutPrefix(k, Ctrl); ctrl {
				held |= kb.ModifierCtrl
			}
			if k, shift = strings.CutPrefix(k, "shift+"); shift {
				held |= kb.ModifierShift
			}
			more = ctrl || shift
		}
		for _, r := range k {
			do(b, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error { return press(ctx, t, r, held) }))
		}
	}
}

// press presses a key. Its letter comes with it, so a page that handles the key gets no letter.
func press(ctx context.Context, t *chromedp.Target, r rune, held kb.Modifier) error {
	events := kb.Encode(r)
	down, up := events[0], events[len(events)-1]
	if len(events) > 2 && held&kb.ModifierCtrl == 0 {
		down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
	}
	for _, e := range []*input.DispatchKeyEventParams{down, up} {
		e.Modifiers |= int64(held)
		if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, *e); err != nil {
			return err
		}
	}
	return nil
}

// Click clicks the middle of the element that an expression in JavaScript gives.
func (b *Tab) Click(element string) {
	b.t.Helper()
	b.Wait("Boolean(" + element + ")")
	at := b.Text("(b => (b.left + b.width/2) + ' ' + (b.top + b.height/2))((" + element + ").getBoundingClientRect())")
	var x, y float64
	if _, err := fmt.Sscan(at, &x, &y); err != nil {
		b.t.Fatalf("%s is at %s: %v", element, at, err)
	}
	do(b, chromedp.MouseClickXY(x, y))
}

// Size sets the size of the page in pixels.
func (b *Tab) Size(width, height int64) {
	b.t.Helper()
	do(b, chromedp.EmulateViewport(width, height))
}

// Picture returns what the page shows, as PNG.
func (b *Tab) Picture() []byte {
	b.t.Helper()
	return do(b, chromedp.CaptureScreenshot())
}

// Focus presses the Tab key until an element with a text or ID has the focus.
func (b *Tab) Focus(text string) {
	b.t.Helper()
	for range 120 {
		b.Press(Next)
		if strings.Contains(b.Text("document.activeElement.innerText + ' ' + document.activeElement.id"), text) {
			return
		}
	}
	b.t.Fatalf("the Tab key does not reach %q on:\n%s", text, b.Text("document.body.innerText"))
}

// Text returns the value of an expression in JavaScript, which must be a string.
func (b *Tab) Text(expression string) string {
	b.t.Helper()
	return do(b, chromedp.Evaluate[string](expression))
}

// Wait waits until an expression in JavaScript is true.
func (b *Tab) Wait(expression string) {
	b.t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		}
	}
	b.t.Fatalf("%s is not true on the page:\n%s", expression, b.Text("document.body.innerText"))
}

// Look checks that the page fits a phone and a desktop screen in both colours, with sufficient
// contrast and labels. With the variable SCREENSHOTS, it stores a picture of each in that folder.
func (b *Tab) Look(name string) {
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
			b.Wait(`document.readyState === "complete"`)
			if wide := do(b, chromedp.Evaluate[int]("document.documentElement.scrollWidth")); wide > int(width) {
				b.t.Errorf("%s is %d pixels wide on a screen of %d", name, wide, width)
			}
			if bad := b.Text(contrasts); bad != "" {
				b.t.Errorf("%s at %d pixels, %s:\n%s", name, width, scheme, bad)
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

// contrasts returns the texts whose contrast is too low, and fields without a label. Texts for
// screen readers alone, of a size of at most a pixel, have no contrast.
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
  const box = n.parentElement.getBoundingClientRect()
  if (!n.data.trim() || n.parentElement.closest("datalist") || box.width <= 1 || box.height <= 1) continue
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
