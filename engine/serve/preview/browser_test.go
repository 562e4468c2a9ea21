//go:build browser

package preview_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/serve/browsertest"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// TestSearchInBrowser: with the keyboard alone, two people find different documents and open one;
// pages fit a phone and a desktop screen, in both colours, and the console shows nothing.
func TestSearchInBrowser(t *testing.T) {
	b := browsertest.New(t, 2*time.Minute)
	w := newWorld(t)
	w.publish()
	w.write(strings.Replace(people+pages, `"members":["bob","cat"]`, `"members":["bob","cat","dan"]`, 1))
	x := w.build()
	server := httptest.NewUnstartedServer(nil)
	codes := &signin.Memory{}
	guard := signin.NewGuard(signin.Options{Origins: []string{"http://" + server.Listener.Addr().String()}, Codes: codes,
		Cookie: "pipe-preview", Person: func(name string) *signin.Principal { return &signin.Principal{Name: name} }})
	handler := preview.Handler(preview.Options{Index: x.Lend})
	server.Config.Handler = guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if guard.Session(r) == nil {
			http.Error(w, "not signed in", http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	server.Start()
	defer server.Close()

	b.Open(guard.Link(codes.Issue("ann")))
	b.Wait(`document.activeElement.id === "q"`)
	found := func() string {
		return b.Text(`[...document.querySelectorAll(".hits h3")].map(e => e.innerText).sort().join(", ")`)
	}
	for _, c := range []struct{ who, person, found string }{
		{"ann@example.com", "Ann Archer", "Blue plans, Budget, Welcome"},
		{"bob", "Bob Baker", "Red plans, Salary of Bob, Welcome"},
	} {
		b.Press(browsertest.Back, c.who)
		b.Wait(`[...document.querySelectorAll("#people option")].some(o => o.value.startsWith("` + c.person + `"))`)
		b.Press(browsertest.Next, "shared", browsertest.Enter)
		b.Wait(`location.search.includes("q=shared")`)
		b.Wait(`document.querySelector("#found")?.innerText.includes("` + c.person + `")`)
		if got := found(); got != c.found {
			t.Errorf("%s finds %s, want %s", c.person, got, c.found)
		}
		b.Open("http://" + server.Listener.Addr().String() + "/")
		b.Wait(`document.activeElement.id === "q" && document.querySelector("#as").value === ""`)
	}

	// The view before, by the arrow keys: Dan did not find the plans of the red team.
	b.Press(browsertest.Back, "dan", browsertest.Next, "plans", browsertest.Enter)
	b.Wait(`document.querySelector("#found")?.innerText.startsWith("1 document for Dan")`)
	b.Wait(`document.activeElement.id === "q"`)
	b.Press(browsertest.Next, browsertest.Right, browsertest.Enter)
	b.Wait(`document.querySelector("#found")?.innerText.startsWith("0 documents for Dan")`)
	b.Wait(`document.activeElement.id === "q"`)
	b.Press(browsertest.Next, browsertest.Left, browsertest.Enter)
	b.Wait(`document.querySelector("#found")?.innerText.startsWith("1 document for Dan")`)
	b.Wait(`document.activeElement.id === "q"`)
	b.Press(browsertest.Next, browsertest.Next, browsertest.Next)
	b.Wait(`document.activeElement.innerText === "Red plans"`)
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector(".chain")?.innerText.includes("red")`)
	document := b.Address()

	for name, address := range map[string]string{
		"search": "/?as=cat&q=shared", "document": strings.TrimPrefix(document, "http://"+server.Listener.Addr().String()),
		"person": "/?as=example.com", "none": "/?as=dan&q=nothing",
	} {
		b.Open("http://" + server.Listener.Addr().String() + address)
		b.Look(name)
	}
}
