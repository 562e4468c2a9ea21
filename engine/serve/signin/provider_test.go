package signin_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve/signin"
	"github.com/pipe-engine/pipe/engine/serve/signin/openid/openidtest"
)

// company is a site whose people sign in at a provider.
type company struct {
	*site
	provider *openidtest.Provider
	file     string
	openID   *signin.OpenID
}

const annMayApprove = `
grants:
  - people: [Ann@Example.com]
    roles: [approve]
    pipelines: [catalog]
`

func newCompany(t *testing.T, more string) *company {
	t.Helper()
	c := &company{provider: openidtest.Start(t, "127.0.0.1"), file: filepath.Join(t.TempDir(), "openid.yaml")}
	c.site = newSiteWith(t, func(s *site) *signin.OpenID {
		c.site = s
		c.write(more)
		var err error
		if c.openID, err = signin.OpenOpenID(c.file, c.options()); err != nil {
			t.Fatal(err)
		}
		return c.openID
	})
	c.provider.Set(func(p *openidtest.Provider) { p.Redirect = c.server.URL + signin.CallbackPath })
	return c
}

func (c *company) options() signin.OpenIDOptions {
	return signin.OpenIDOptions{Secrets: &redact.Redactor{}, Log: slog.New(slog.NewTextHandler(&c.log, nil)),
		Now:    func() time.Time { return c.now },
		Lookup: func(name string) (string, bool) { return c.provider.Secret, name == "SECRET" }}
}

// write replaces the file of the provider.
func (c *company) write(more string) {
	c.t.Helper()
	text := "issuer: " + c.provider.URL + "\nclient_id: pipe\nclient_secret: ${SECRET}\n" + more
	if err := os.RemoveAll(c.file); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(c.file, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// start begins a sign-in, and returns the cookie and the address at the provider.
func (c *company) start(back string) (cookie, address string) {
	c.t.Helper()
	resp := c.do("GET", signin.OpenIDPath+"?"+url.Values{signin.BackField: {back}}.Encode(), "", "")
	if resp.StatusCode != http.StatusFound || len(resp.Cookies()) != 1 {
		c.t.Fatalf("the start: %s, %v: %s", resp.Status, resp.Cookies(), c.text(resp))
	}
	one := resp.Cookies()[0]
	if !one.HttpOnly || one.SameSite != http.SameSiteLaxMode || one.Domain != "" || one.Path != "/" || one.MaxAge != 600 {
		c.t.Errorf("the cookie of the attempt is %+v", one)
	}
	return one.Name + "=" + one.Value, resp.Header.Get("Location")
}

// authorize opens the address at the provider, and returns the path of the answer.
func (c *company) authorize(address string) string {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), "GET", address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil || to.Scheme+"://"+to.Host != c.server.URL || to.Path != signin.CallbackPath {
		c.t.Fatalf("the provider leads to %v, %v: %s", to, err, resp.Status)
	}
	return to.RequestURI()
}

// signInThere signs in at the provider, and returns the answer of the server.
func (c *company) signInThere() *http.Response {
	c.t.Helper()
	cookie, address := c.start("/")
	return c.do("GET", c.authorize(address), cookie, "")
}

// sessionOf returns the cookie of the session in an answer; "" when there is none.
func sessionOf(resp *http.Response) string {
	for _, one := range resp.Cookies() {
		if one.Name == "pipe" && one.MaxAge > 0 {
			return "pipe=" + one.Value
		}
	}
	return ""
}

// refused signs in and wants a refusal with a text and without a session.
func (c *company) refused(what string, status int, text string) {
	c.t.Helper()
	resp := c.signInThere()
	if got := c.text(resp); resp.StatusCode != status || !strings.Contains(got, text) || sessionOf(resp) != "" {
		c.t.Errorf("%s: %s %q, %v, want %d and %q", what, resp.Status, got, resp.Cookies(), status, text)
	}
}

func TestOpenID(t *testing.T) {
	c := newCompany(t, annMayApprove)
	c.provider.Set(func(p *openidtest.Provider) { p.Claims["email"] = "ANN@example.com" })
	cookie, address := c.start("/pipelines/catalog?a=b&c")
	answer := c.authorize(address)
	resp := c.do("GET", answer, cookie, "")
	page := c.text(resp)
	if resp.StatusCode != http.StatusOK || !strings.Contains(page, `content="0; url=/pipelines/catalog?a=b&amp;c"`) {
		t.Fatalf("%s: %s", resp.Status, page)
	}
	session := sessionOf(resp)
	who := c.session(session).Who
	if who.Name != "ann@example.com" || !who.Person || !who.Proven || who.ID != "" ||
		!who.May(signin.Approve, "catalog") || who.May(signin.View, "other") || who.May(signin.Trigger, "catalog") {
		t.Errorf("signed in as %+v", who)
	}
	c.provider.Set(func(p *openidtest.Provider) { p.Claims["email"] = "anna@example.com" })
	c.write(strings.Replace(annMayApprove, "Ann@", "anna@", 1))
	renamed := c.session(sessionOf(c.signInThere())).Who
	if renamed.Name != "anna@example.com" || renamed.Identity != who.Identity || len(who.Identity) != 64 {
		t.Errorf("after a change of the name: %+v", renamed)
	}
	c.provider.Set(func(p *openidtest.Provider) { p.Claims["sub"] = "ann-2" })
	if other := c.session(sessionOf(c.signInThere())).Who; other.Identity == who.Identity {
		t.Error("another person has the same identity")
	}
	c.who = c.who[:1]
	if want := "ann@example.com at " + c.provider.URL + " as ann-1"; len(c.who) != 1 || c.who[0] != want {
		t.Errorf("%v signed in", c.who)
	}
	for _, one := range resp.Cookies() {
		if one.Name == "pipe" && (one.SameSite != http.SameSiteStrictMode || !one.HttpOnly) ||
			one.Name == "pipe-sign-in" && one.MaxAge >= 0 {
			t.Errorf("the cookie %+v", one)
		}
	}
	if len(resp.Cookies()) != 2 {
		t.Errorf("the cookies %v, want that of the session, and that of the attempt removed", resp.Cookies())
	}
	resp = c.do("GET", answer, cookie, "") // again
	if text := c.text(resp); resp.StatusCode != http.StatusForbidden || sessionOf(resp) != "" ||
		!strings.Contains(text, "used already") || c.provider.Asked("/token") != 3 {
		t.Errorf("a second use: %s %s", resp.Status, text)
	}
}

// TestManyStarts: however many sign-ins others begin, each person can finish theirs.
func TestManyStarts(t *testing.T) {
	c := newCompany(t, annMayApprove)
	cookie, address := c.start("/")
	answer := c.authorize(address)
	for range 10_001 {
		r := httptest.NewRequest("GET", c.server.URL+signin.OpenIDPath, nil)
		w := httptest.NewRecorder()
		if c.guard.Protect(http.NotFoundHandler()).ServeHTTP(w, r); w.Code != http.StatusFound {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
	}
	if resp := c.do("GET", answer, cookie, ""); sessionOf(resp) == "" {
		t.Errorf("the first: %s: %s", resp.Status, c.text(resp))
	}
	long := "/" + strings.Repeat("a", 1999) // a browser keeps 4096 bytes
	if cookie, _ := c.start(long); len(cookie) > 4000 {
		t.Errorf("a cookie has %d bytes", len(cookie))
	}
}

// TestForgedAnswers: an answer begins no session in a browser that has not asked for it.
func TestForgedAnswers(t *testing.T) {
	c := newCompany(t, annMayApprove)
	mine, mineAt := c.start("/")
	_, other := c.start("/")
	answer, forged := c.authorize(mineAt), c.authorize(other)
	query, err := url.ParseQuery(strings.TrimPrefix(answer, signin.CallbackPath+"?"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		q := url.Values{}
		for key, values := range query {
			q[key] = values
		}
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		return signin.CallbackPath + "?" + q.Encode()
	}
	forgedCode := ""
	if u, err := url.Parse(forged); err == nil {
		forgedCode = u.Query().Get("code")
	}
	for _, tt := range []struct{ name, path, cookie string }{
		{"the answer of another browser", forged, mine},
		{"no cookie", answer, ""},
		{"another cookie", answer, "pipe-sign-in=x"},
		{"no state", with("state", ""), mine},
		{"another state", with("state", "x"), mine},
		{"an error without the state", signin.CallbackPath + "?error=x&error_description=call+us", mine},
		{"nothing", signin.CallbackPath, mine},
	} {
		resp := c.do("GET", tt.path, tt.cookie, "")
		text := c.text(resp)
		if resp.StatusCode != http.StatusForbidden || sessionOf(resp) != "" || !strings.Contains(text, "another browser") ||
			strings.Contains(text, "call us") {
			t.Errorf("%s: %s %s", tt.name, resp.Status, text)
		}
	}
	c.want("HEAD", c.do("HEAD", answer, mine, ""), http.StatusMethodNotAllowed)
	c.want("POST of the provider's site", c.do("POST", answer, mine, "a=b", "Origin", c.provider.URL),
		http.StatusForbidden)
	c.want("another host", c.do("GET", answer, mine, "", "Host", "evil.example"), http.StatusMisdirectedRequest)
	if resp := c.do("GET", answer, mine, ""); sessionOf(resp) == "" {
		t.Errorf("the browser's own answer, after all these: %s %s", resp.Status, c.text(resp))
	}

	mine, mineAt = c.start("/")
	query, err = url.ParseQuery(strings.TrimPrefix(c.authorize(mineAt), signin.CallbackPath+"?"))
	if err != nil {
		t.Fatal(err)
	}
	resp := c.do("GET", with("code", forgedCode), mine, "") // with a state that has leaked
	if c.want("the code of another browser", resp, http.StatusForbidden); sessionOf(resp) != "" {
		t.Error("it has a session all the same")
	}

	mine, mineAt = c.start("/")
	answer = c.authorize(mineAt)
	c.now = c.now.Add(10*time.Minute + time.Second)
	c.want("an answer after ten minutes", c.do("GET", answer, mine, ""), http.StatusForbidden)
	if len(c.who) != 1 {
		t.Errorf("%v signed in", c.who)
	}
}

// TestStart: a sign-in begins at the address that the provider knows, whatever name of the server
// the browser uses, and leads back to this server alone.
func TestStart(t *testing.T) {
	c := newCompany(t, annMayApprove)
	_, port, _ := strings.Cut(strings.TrimPrefix(c.server.URL, "http://"), ":")
	resp := c.do("GET", signin.OpenIDPath+"?back=/log", "", "", "Host", "localhost:"+port)
	if to := resp.Header.Get("Location"); to != c.server.URL+signin.OpenIDPath+"?back=%2Flog" || len(resp.Cookies()) != 0 {
		t.Errorf("%s to %s, %v", resp.Status, to, resp.Cookies())
	}
	c.want("another host", c.do("GET", signin.OpenIDPath, "", "", "Host", "evil.example"), http.StatusMisdirectedRequest)
	c.want("HEAD", c.do("HEAD", signin.OpenIDPath, "", ""), http.StatusMethodNotAllowed)
	_, address := c.start("/")
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); q.Get("redirect_uri") != c.server.URL+signin.CallbackPath || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || q.Get("scope") != "openid email" || len(q.Get("nonce")) < 22 ||
		len(q.Get("state")) < 22 || q.Get("client_secret") != "" {
		t.Errorf("the address is %s", address)
	}
	for _, back := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/sign-in?code=x"} {
		cookie, address := c.start(back)
		if page := c.text(c.do("GET", c.authorize(address), cookie, "")); !strings.Contains(page, `content="0; url=/"`) {
			t.Errorf("%s leads to %s", back, page)
		}
	}
	s := newSite(t)
	c.want("a start without a provider", s.do("GET", signin.OpenIDPath, "", ""), http.StatusNotFound)
	c.want("an answer without a provider", s.do("GET", signin.CallbackPath, "", ""), http.StatusNotFound)
	if s.guard.Provider() != "" || c.guard.Provider() != strings.TrimPrefix(c.provider.URL, "http://") {
		t.Errorf("the hosts: %q and %q", s.guard.Provider(), c.guard.Provider())
	}
}

// TestNotSignedIn: a provider that refuses, or names a person without a grant, begins no session.
func TestNotSignedIn(t *testing.T) {
	c := newCompany(t, annMayApprove)
	claims := func(name string, value any) {
		c.provider.Set(func(p *openidtest.Provider) {
			p.Claims = map[string]any{"sub": "s", "email": "ann@example.com", "email_verified": true, name: value}
		})
		c.now = c.now.Add(time.Minute) // the failures are counted again
	}
	c.provider.Set(func(p *openidtest.Provider) { p.Refuse = "access_denied" })
	c.refused("a person who says no", http.StatusForbidden, "access_denied: the person <b>said</b> no")
	c.provider.Set(func(p *openidtest.Provider) { p.Refuse = "" })
	claims("email", "bob@example.com")
	c.refused("a person without a grant", http.StatusForbidden, "bob@example.com has no role")
	claims("email_verified", false)
	c.refused("an address that is not verified", http.StatusForbidden, "not verified your e-mail address")
	claims("email", nil)
	c.refused("a person without an address", http.StatusForbidden, "no email of yours")
	claims("aud", "another")
	c.refused("a token for another client", http.StatusForbidden, "not valid for this server")
	claims("nonce", "another")
	c.refused("a token for another sign-in", http.StatusForbidden, "not valid for this server")
	claims("email", "ann@example.com")
	c.provider.Set(func(p *openidtest.Provider) { p.Sign = (*openidtest.Provider).SignNone })
	c.refused("a token without a signature", http.StatusForbidden, "not valid for this server")
	c.provider.Set(func(p *openidtest.Provider) { p.Sign = nil })
	c.token("ANN@example.com", false, signin.View)
	c.refused("the name of a program", http.StatusForbidden, "ann@example.com is the name of a program")
	want := []string{"bob@example.com: no grant names this person or one of their groups",
		"ann@example.com: the e-mail address of subject s is not verified",
		"ann@example.com: a program has a token of this name"}
	if strings.Join(c.denied, "\n") != strings.Join(want, "\n") {
		t.Errorf("denied:\n%s", strings.Join(c.denied, "\n"))
	}
	for _, secret := range []string{c.provider.Secret, url.QueryEscape(c.provider.Secret), "eyJ"} {
		if strings.Contains(c.log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, &c.log)
		}
	}
	if len(c.who) != 0 {
		t.Errorf("%v signed in", c.who)
	}
}

// TestAnswersAreLimited: a client whose sign-ins fail makes the server ask the provider only so
// often.
func TestAnswersAreLimited(t *testing.T) {
	c := newCompany(t, annMayApprove)
	for range 20 {
		c.signInThere() // succeeds
	}
	before := c.provider.Asked("/token")
	for i := range 15 {
		cookie, address := c.start("/")
		answer, err := url.Parse(c.authorize(address))
		if err != nil {
			t.Fatal(err)
		}
		q := answer.Query()
		q.Set("code", "x")
		want := http.StatusForbidden
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		c.want(fmt.Sprint("guess ", i), c.do("GET", answer.Path+"?"+q.Encode(), cookie, ""), want)
	}
	cookie, address := c.start("/")
	answer := c.authorize(address)
	c.want("an answer of a person at this address", c.do("GET", answer, cookie, ""), http.StatusTooManyRequests)
	if n := c.provider.Asked("/token") - before; n != 10 {
		t.Errorf("the provider was asked %d times", n)
	}
	c.now = c.now.Add(time.Minute)
	if resp := c.do("GET", answer, cookie, ""); sessionOf(resp) == "" { // the page is loaded again
		t.Errorf("the same answer after a minute: %s %s", resp.Status, c.text(resp))
	}
}

// TestGrants: a session follows the file at each request.
func TestGrants(t *testing.T) {
	c := newCompany(t, `
grants:
  - groups: [platform]
    roles: [view]
  - {people: [bob@example.com], groups: [leads], roles: [trigger, approve], pipelines: [catalog]}
`)
	c.provider.Set(func(p *openidtest.Provider) { p.UserInfo = map[string]any{"sub": "ann-1"} })
	c.refused("no groups", http.StatusForbidden, "has no role")
	c.provider.Set(func(p *openidtest.Provider) { p.Claims["groups"] = []string{"platform", "leads"} })
	session := sessionOf(c.signInThere())
	c.provider.Set(func(p *openidtest.Provider) { // the same, but not in the token
		delete(p.Claims, "groups")
		p.UserInfo = map[string]any{"sub": "ann-1", "groups": []string{"platform"}}
	})
	elsewhere := sessionOf(c.signInThere())
	if elsewhere == "" || c.session(elsewhere).Who.May(signin.Trigger, "catalog") {
		t.Error("the groups of the user info endpoint do not count")
	}
	who := c.session(session).Who
	if !who.May(signin.View, "any") || !who.May(signin.Trigger, "catalog") || who.May(signin.Trigger, "any") {
		t.Errorf("the roles: %+v", who.Grants)
	}
	c.write("grants:\n  - {groups: [platform], roles: [inspect], pipelines: [other]}\n")
	if who := c.session(session).Who; who.May(signin.View, "catalog") || !who.May(signin.Inspect, "other") {
		t.Errorf("the session has not followed the file: %+v", who.Grants)
	}
	c.write("grants:\n  - {groups: [security], roles: [inspect]}\n")
	if c.session(session) != nil {
		t.Error("a person without a grant is signed in")
	}
	c.write("grants:\n  - {groups: [platform], roles: [inspect]}\n")
	if c.session(session) == nil {
		t.Error("a person with a grant is not signed in")
	}
	c.write("grants:\n  - {groups: [platform], roles: [admin]}\n")
	if c.session(session) != nil || c.openID.Err() == nil {
		t.Error("a wrong file grants something")
	}
	c.refused("a wrong file", http.StatusServiceUnavailable, "cannot be used now")
	if err := os.Remove(c.file); err != nil {
		t.Fatal(err)
	}
	if c.session(session) != nil {
		t.Error("a missing file grants something")
	}
	c.write("person_claim: sub\ngrants:\n  - {groups: [leads], roles: [view]}\n")
	if who := c.session(session).Who; who.Name != "ann@example.com" || !who.May(signin.View, "catalog") {
		t.Errorf("after the file is right again: %+v", who)
	}
	if !strings.Contains(c.log.String(), "after the next start") {
		t.Errorf("the log does not say that the claim stays:\n%s", &c.log)
	}
	c.token("ann@example.com", false, signin.View)
	if c.session(session) != nil {
		t.Error("a person is signed in with the name of a program")
	}
	if runtime.GOOS != "windows" {
		session = c.signIn()
		if err := os.Chmod(c.file, 0o666); err != nil {
			t.Fatal(err)
		}
		if c.openID.Err() == nil {
			t.Error("a file that others may change is used")
		}
		if c.session(session) == nil {
			t.Error("the session of a link depends on the file")
		}
	}
}

// TestTokensUnusable: while it is not known who is a program, people of the provider are not
// signed in.
func TestTokensUnusable(t *testing.T) {
	c := newCompany(t, annMayApprove)
	session := sessionOf(c.signInThere())
	if c.session(session) == nil {
		t.Fatal("not signed in")
	}
	if err := os.WriteFile(c.tokens, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.session(session) != nil {
		t.Error("a session goes on")
	}
	c.refused("a sign-in", http.StatusServiceUnavailable, "cannot be used now")
}

// TestProviderDown: a provider that does not answer leaves the other ways to sign in, and is tried
// again.
func TestProviderDown(t *testing.T) {
	c := newCompany(t, annMayApprove)
	c.provider.Set(func(p *openidtest.Provider) {
		p.Down = map[string]bool{"/.well-known/openid-configuration": true}
	})
	c.openID.Check(t.Context())
	if log := c.log.String(); !strings.Contains(log, "answered 503") || !strings.Contains(log, "remedy=") ||
		!strings.Contains(log, c.provider.URL) {
		t.Errorf("the log:\n%s", log)
	}
	for range 20 {
		resp := c.do("GET", signin.OpenIDPath, "", "")
		if text := c.text(resp); resp.StatusCode != http.StatusServiceUnavailable ||
			!strings.Contains(text, "cannot be used now. Try again later") || len(resp.Cookies()) != 0 {
			t.Fatalf("%s: %s", resp.Status, text)
		}
	}
	if n := c.provider.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	if n := strings.Count(c.log.String(), "answered 503"); n != 1 {
		t.Errorf("%d lines in the log", n)
	}
	c.signIn() // with a link
	c.provider.Set(func(p *openidtest.Provider) { p.Down = nil })
	c.now = c.now.Add(6 * time.Second)
	if sessionOf(c.signInThere()) == "" {
		t.Error("the provider is there again, and does not sign in")
	}
	c.provider.Set(func(p *openidtest.Provider) { p.Down = map[string]bool{"/token": true} })
	c.refused("without the token endpoint", http.StatusServiceUnavailable, "cannot be used now")
}
