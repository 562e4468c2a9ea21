//go:build browser

package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/serve/browsertest"
	"github.com/pipe-engine/pipe/engine/serve/signin"
	"github.com/pipe-engine/pipe/engine/serve/signin/openid/openidtest"
	"github.com/pipe-engine/pipe/engine/serve/web"
)

// TestSignInInBrowser: a person signs in at a provider of another site, with a token, and from a
// link of another site, with the keyboard alone.
func TestSignInInBrowser(t *testing.T) {
	p := openidtest.Start(t, "localhost") // another site than 127.0.0.1
	s := newSiteWith(t, "", web.Options{Lookup: func(name string) (string, bool) { return p.Secret, name == "SECRET" },
		OpenIDFile: openIDFile(t, p, "  - {people: [ann@example.com], roles: [approve, trigger]}\n")})
	p.Set(func(p *openidtest.Provider) { p.Redirect = s.web.Origin() + signin.CallbackPath })
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><title>chat</title><a href="%s/pipelines/handbook">the run</a>`, s.web.Origin())
	}))
	defer elsewhere.Close()
	b := browsertest.New(t, 2*time.Minute)
	b.Allow("Failed to load resource") // the sign-in page and a refusal are no success
	press := func(text string) {
		t.Helper()
		b.Focus(text)
		b.Press(browsertest.Enter)
	}
	signedIn := func(name string) {
		t.Helper()
		b.Wait(`location.pathname === "/pipelines/handbook" && document.body.innerText.includes("signed in as ` + name + `")`)
	}
	signOut := func() {
		t.Helper()
		press("Sign out")
		b.Wait(`document.body.innerText.includes("You are signed out")`)
	}
	b.Open(s.web.Origin() + "/pipelines/handbook")
	b.Wait(`document.querySelector("#person-token") !== null`)
	b.Look("sign-in")
	press("Sign in at")
	signedIn("ann@example.com")
	b.Open(s.web.Origin() + "/log")
	b.Wait(`document.body.innerText.includes("sign in")`)
	b.Look("whole-log")

	b.Open(strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1))
	press("the run")
	b.Wait(`document.body.innerText.includes("Signed in already?")`)
	b.Look("sign-in-elsewhere")
	press("Open the page")
	signedIn("ann@example.com")
	signOut()

	b.Open(strings.Replace(s.web.Origin(), "127.0.0.1", "localhost", 1) + "/pipelines/handbook")
	b.Wait(`document.querySelector("#person-token") !== null`)
	press("Sign in at") // begins at the address that the provider knows
	signedIn("ann@example.com")
	if at := b.Address(); !strings.HasPrefix(at, s.web.Origin()+"/") {
		t.Errorf("the browser is at %s", at)
	}
	signOut()

	p.Set(func(p *openidtest.Provider) { p.Claims["email"] = "eve@example.com" })
	b.Open(s.web.Origin() + "/pipelines/handbook")
	press("Sign in at")
	b.Wait(`document.body.innerText.includes("eve@example.com has no role on this server")`)
	b.Look("sign-in-refused")

	token := s.token("bob", true, signin.View)
	b.Open(s.web.Origin() + "/pipelines/handbook")
	b.Focus(" person-token")
	b.Press(token, browsertest.Enter)
	signedIn("bob")
	if text := b.Text("location.href + document.documentElement.outerHTML"); strings.Contains(text, token) {
		t.Error("the page has the token")
	}
	signOut()
}
