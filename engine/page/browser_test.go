//go:build browser

package page

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// measure writes the faults of the page in the frame to the document.
const measure = `<!DOCTYPE html><meta charset="utf-8"><body><iframe id="f" style="width:%dpx;height:3000px;border:0" srcdoc="%s">
</iframe><pre id="out"></pre><script>
const rgb = text => text.match(/[\d.]+/g).map(Number)
const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0)
const f = document.getElementById("f")
f.onload = () => {
  const doc = f.contentDocument, win = f.contentWindow, out = []
  const root = doc.documentElement
  if (root.scrollWidth > root.clientWidth) out.push("the page is " + root.scrollWidth + " pixels wide")
  const page = win.getComputedStyle(doc.body).backgroundColor
  if (page !== "%s") out.push("the page is " + page)
  if (win.performance.getEntriesByType("resource").length) out.push("the page loads something")
  const back = e => { for (; e; e = e.parentElement) {
    const c = rgb(win.getComputedStyle(e).backgroundColor)
    if (c.length < 4 || c[3] > 0) return c
  } }
  let texts = 0
  const walker = doc.createTreeWalker(doc.body, win.NodeFilter.SHOW_TEXT)
  for (let n; n = walker.nextNode();) {
    if (!n.data.trim() || n.parentElement.closest("svg")) continue
    const a = light(rgb(win.getComputedStyle(n.parentElement).color)), b = light(back(n.parentElement))
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05)
    if (contrast < 4.5) out.push("contrast " + contrast.toFixed(2) + " of " + n.data)
    texts++
  }
  doc.querySelectorAll(".bar rect").forEach(r => {
    if (r.getBoundingClientRect().width < 1) out.push("a part of a bar cannot be seen")
  })
  doc.querySelectorAll("table").forEach(t => {
    if (!t.querySelector("thead th[scope=col]")) out.push("a table has no headings")
  })
  out.push("measured " + (texts > 3))
  document.getElementById("out").textContent = out.join("\n")
}
</script>`

// TestInBrowser: in a browser a page fits a phone and a desktop screen, has the requested
// colours with sufficient contrast, and loads nothing.
func TestInBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium")
	}
	for name, p := range pages() {
		text := html.EscapeString(render(t, p, nil))
		for _, width := range []int{400, 1200} {
			for scheme, colour := range []string{"rgb(17, 22, 29)", "rgb(245, 246, 248)"} { // dark, light
				file := filepath.Join(t.TempDir(), "page.html")
				if err := os.WriteFile(file, fmt.Appendf(nil, measure, width, text, colour), 0o600); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				got, err := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu",
					"--user-data-dir="+t.TempDir(), fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme),
					"--window-size=1300,900", "--dump-dom", "file://"+file).Output()
				cancel()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				_, found, _ := strings.Cut(string(got), `<pre id="out">`)
				found, _, _ = strings.Cut(found, "</pre>")
				if found != "measured true" {
					t.Errorf("%s at %d pixels, %s: %s", name, width, colour, found)
				}
			}
		}
	}
}
