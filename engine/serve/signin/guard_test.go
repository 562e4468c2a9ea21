package signin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// site is a server with one page and one form behind a Guard.
type site struct {
	t      *testing.T
	guard  *signin.Guard
	codes  *signin.Memory
	server *httptest.Server
	now    time.Time
	who    []string // who signed in
	denied []string // who did not, and why
	refuse error    // what SignedIn returns
	tokens string   // the path of the tokens file
	outs   []string // who was signed out from elsewhere
	outErr error    // what the store of sign-outs returns
	taken  func()   // is called when a link was used; may be nil
	log    bytes.Buffer
}

func newSite(t *testing.T) *site { return newSiteWith(t, nil) }

// newSiteWith starts a site with an OpenID provider, which may be nil.
func newSiteWith(t *testing.T, openID func(s *site) *signin.OpenID) *site {
	t.Helper()
	s := &site{t: t, now: time.Now()}
	clock := func() time.Time { return s.now }
	s.codes = &signin.Memory{Now: clock}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.guard.Protect(http.HandlerFunc(s.page)).ServeHTTP(w, r)
	}))
	s.server.Start()
	t.Cleanup(s.server.Close)
	s.tokens = filepath.Join(t.TempDir(), "tokens.json")
	tokens, err := signin.OpenTokens(s.tokens, clock)
	if err != nil {
		t.Fatal(err)
	}
	var provider *signin.OpenID
	if openID != nil {
		provider = openID(s)
	}
	s.guard = signin.NewGuard(signin.Options{
		Origins: []string{s.server.URL, strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1)}, Codes: s,
		Cookie: "pipe", Now: clock, Tokens: tokens, OpenID: provider, SignOuts: s,
		Log:    slog.New(slog.NewTextHandler(&s.log, nil)),
		Person: func(name string) *signin.Principal { return &signin.Principal{Name: name, Person: true} },
		SignedIn: func(_ context.Context, who *signin.Principal, how string) error {
			s.who = append(s.who, who.Name+" "+how)
			return s.refuse
		},
		Denied: func(_ context.Context, name, reason string) { s.denied = append(s.denied, name+": "+reason) },
	})
	return s
}

// Take implements signin.Codes.
func (s *site) Take(ctx context.Context, code string) (string, error) {
	person, err := s.codes.Take(ctx, code)
	if s.taken != nil {
		s.taken()
	}
	return person, err
}

// Mark implements signin.SignOuts.
func (s *site) Mark(context.Context) (int64, error) { return int64(len(s.outs)), s.outErr }

// SignedOut implements signin.SignOuts.
func (s *site) SignedOut(_ context.Context, person string, mark int64) (bool, error) {
	return slices.Contains(s.outs[mark:], person), s.outErr
}

func (s *site) page(w http.ResponseWriter, r *http.Request) {
	session := s.guard.Session(r)
	switch {
	case session == nil:
		http.Error(w, "sign in", http.StatusUnauthorized)
	case r.URL.Path == "/out":
		s.guard.End(w, r)
	case r.Method == http.MethodPost && !session.Changes(r):
		http.Error(w, "no token", http.StatusForbidden)
	default:
		io.WriteString(w, session.Who.Name+" "+session.Token)
	}
}

// do sends a request with a cookie; "" means none.
func (s *site) do(method, path, cookie, body string, headers ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (s *site) signIn() (cookie string) {
	s.t.Helper()
	u, err := url.Parse(s.guard.Link(s.codes.Issue("ann")))
	if err != nil {
		s.t.Fatal(err)
	}
	resp := s.do("GET", u.RequestURI(), "", "")
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 1 {
		s.t.Fatalf("signing in: %s, %v", resp.Status, resp.Cookies())
	}
	return resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
}

func (s *site) text(resp *http.Response) string {
	s.t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func (s *site) want(what string, resp *http.Response, status int) {
	s.t.Helper()
	if resp.StatusCode != status {
		s.t.Errorf("%s: %s, want %d", what, resp.Status, status)
	}
}

func TestLink(t *testing.T) {
	s := newSite(t)
	s.want("no cookie", s.do("GET", "/", "", ""), http.StatusUnauthorized)
	u, _ := url.Parse(s.guard.Link(s.codes.Issue("ann")))
	s.want("a look without opening it", s.do("HEAD", u.RequestURI(), "", ""), http.StatusMethodNotAllowed)
	resp := s.do("GET", u.RequestURI(), "", "")
	s.want("the link", resp, http.StatusOK)
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Domain != "" || c.Path != "/" {
		t.Errorf("the cookie is %+v", c)
	}
	s.want("the page", s.do("GET", "/", c.Name+"="+c.Value, ""), http.StatusOK)
	s.want("the link for the second time", s.do("GET", u.RequestURI(), "", ""), http.StatusForbidden)
	s.want("a made-up cookie", s.do("GET", "/", c.Name+"=x", ""), http.StatusUnauthorized)
	old := s.guard.Link(s.codes.Issue("ann"))
	s.now = s.now.Add(6 * time.Minute)
	u, _ = url.Parse(old)
	s.want("an old link", s.do("GET", u.RequestURI(), "", ""), http.StatusForbidden)
	s.want("no code", s.do("GET", signin.SignInPath, "", ""), http.StatusSeeOther)
	if len(s.who) != 1 || s.who[0] != "ann with a link" {
		t.Errorf("%v signed in", s.who)
	}
	s.refuse = errors.New("the disk is full")
	u, _ = url.Parse(s.guard.Link(s.codes.Issue("bob")))
	resp = s.do("GET", u.RequestURI(), "", "")
	if s.want("a sign-in that is not recorded", resp, http.StatusServiceUnavailable); len(resp.Cookies()) != 0 {
		t.Error("it has a cookie all the same")
	}
}

func TestSessionEnds(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn()
	for range 4 {
		s.now = s.now.Add(29 * time.Minute)
		s.want("a session in use", s.do("GET", "/", cookie, ""), http.StatusOK)
	}
	s.now = s.now.Add(31 * time.Minute)
	s.want("an idle session", s.do("GET", "/", cookie, ""), http.StatusUnauthorized)

	cookie = s.signIn()
	for range 25 {
		s.now = s.now.Add(29 * time.Minute)
		s.do("GET", "/", cookie, "")
	}
	s.want("a session of more than twelve hours", s.do("GET", "/", cookie, ""), http.StatusUnauthorized)

	before := cookie
	cookie = s.signIn()
	u, _ := url.Parse(s.guard.Link(s.codes.Issue("bob")))
	s.want("signing in again", s.do("GET", u.RequestURI(), cookie, ""), http.StatusOK)
	s.want("the session before", s.do("GET", "/", cookie, ""), http.StatusUnauthorized)
	s.want("one that is over", s.do("GET", "/", before, ""), http.StatusUnauthorized)

	cookie = s.signIn()
	s.want("signing out", s.do("GET", "/out", cookie, ""), http.StatusOK)
	s.want("after signing out", s.do("GET", "/", cookie, ""), http.StatusUnauthorized)
}

func TestOtherSites(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn()
	_, token, _ := strings.Cut(s.text(s.do("GET", "/", cookie, "")), " ")
	form := signin.TokenField + "=" + token
	own := s.server.URL
	for _, tt := range []struct {
		name    string
		body    string
		headers []string
		status  int
	}{
		{"own origin and token", form, []string{"Origin", own}, http.StatusOK},
		{"same origin by the browser's word", form, []string{"Sec-Fetch-Site", "same-origin"}, http.StatusOK},
		{"another origin", form, []string{"Origin", "http://evil.example"}, http.StatusForbidden},
		{"another port", form, []string{"Origin", "http://127.0.0.1:1"}, http.StatusForbidden},
		{"no page", form, []string{"Origin", "null"}, http.StatusForbidden},
		{"another origin that says it is the same", form,
			[]string{"Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"}, http.StatusForbidden},
		{"no origin", form, nil, http.StatusForbidden},
		{"no token", "a=b", []string{"Origin", own}, http.StatusForbidden},
		{"another token", signin.TokenField + "=x", []string{"Origin", own}, http.StatusForbidden},
		{"another host", form, []string{"Origin", own, "Host", "evil.example"}, http.StatusMisdirectedRequest},
	} {
		s.want(tt.name, s.do("POST", "/", cookie, tt.body, tt.headers...), tt.status)
	}
	s.want("the token in the address", s.do("POST", "/?"+form, cookie, "a=b", "Origin", own), http.StatusForbidden)
	s.want("a page under another name", s.do("GET", "/", cookie, "", "Host", "evil.example"),
		http.StatusMisdirectedRequest)
	s.want("DELETE without origin", s.do("DELETE", "/", cookie, ""), http.StatusForbidden)
}

func TestHeaders(t *testing.T) {
	s := newSite(t)
	resp := s.do("GET", "/", "", "")
	for name, part := range map[string]string{
		"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
	} {
		if !strings.Contains(resp.Header.Get(name), part) {
			t.Errorf("%s is %q", name, resp.Header.Get(name))
		}
	}
}

// TestTLSCookie: under TLS the cookie belongs to this host alone.
func TestTLSCookie(t *testing.T) {
	codes := &signin.Memory{}
	g := signin.NewGuard(signin.Options{Origins: []string{"https://pipe.example.com"}, Codes: codes, Cookie: "pipe",
		Person: func(name string) *signin.Principal { return &signin.Principal{Name: name} }})
	r := httptest.NewRequest("GET", g.Link(codes.Issue("ann")), nil)
	w := httptest.NewRecorder()
	g.Protect(http.NotFoundHandler()).ServeHTTP(w, r)
	if c := w.Result().Cookies(); len(c) != 1 || c[0].Name != "__Host-pipe" || !c[0].Secure {
		t.Errorf("%d: %+v", w.Code, c)
	}
}

// TestSignedOut: a sign-out from elsewhere ends the sessions of a person that began before it, and
// while it is not known whether there was one, there is no session.
func TestSignedOut(t *testing.T) {
	c := newCompany(t, annMayApprove)
	token, _ := c.token("ann@example.com", true, signin.View)
	link, form, there := c.signIn(), c.withToken(token), sessionOf(c.signInThere())
	want := func(what string, status int) {
		t.Helper()
		for name, cookie := range map[string]string{"link": link, "form": form, "provider": there} {
			status := status
			if name == "link" && what == "after a sign-out" {
				status = http.StatusOK // of ann, who is another person
			}
			c.want(what+", "+name, c.do("GET", "/", cookie, ""), status)
		}
	}
	want("before", http.StatusOK)
	c.outErr = errors.New("the disk is full")
	want("when it is not known", http.StatusUnauthorized)
	c.want("a sign-in then", c.send(token, "/"), http.StatusServiceUnavailable)
	c.refused("a sign-in at the provider then", http.StatusServiceUnavailable, "cannot be recorded")
	c.outErr = nil
	want("when it is known again", http.StatusOK)
	c.outs = append(c.outs, "ann@example.com")
	want("after a sign-out", http.StatusUnauthorized)
	c.want("a new session", c.do("GET", "/", c.withToken(token), ""), http.StatusOK)
	u, _ := url.Parse(c.guard.Link(c.codes.Issue("ann@example.com")))
	c.taken = func() { c.outs = append(c.outs, "ann@example.com") }
	if session := sessionOf(c.do("GET", u.RequestURI(), "", "")); session == "" || c.session(session) != nil {
		t.Error("a sign-out while a link is used does not end its session")
	}
}
