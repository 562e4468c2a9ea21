package web_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/metrics"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
	"github.com/pipe-engine/pipe/engine/serve/signin"
	"github.com/pipe-engine/pipe/engine/serve/signin/openid/openidtest"
	"github.com/pipe-engine/pipe/engine/serve/web"
)

// token adds a token for all pipelines.
func (s *site) token(name string, person bool, roles ...signin.Role) string {
	s.t.Helper()
	return s.tokenFor(name, signin.AllPipelines, person, roles...)
}

func (s *site) tokenFor(name, pipeline string, person bool, roles ...signin.Role) string {
	s.t.Helper()
	token, _, err := signin.AddToken(signin.TokensPath(serve.Folder(s.Server.State())), signin.Token{Name: name,
		Person: person, Grant: signin.Grant{Roles: roles, Pipelines: []string{pipeline}}})
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// withToken signs in by the form of the page at a path, and returns the page that follows.
func (b *browser) withToken(path, token string, status int) string {
	b.s.t.Helper()
	page := b.open(path, http.StatusUnauthorized)
	for _, want := range []string{`type="password"`, `autocomplete="off"`, `action="` + signin.SignInPath + `"`,
		`name="` + signin.BackField + `" value="` + path + `"`} {
		if !strings.Contains(page, want) {
			b.s.t.Fatalf("the page has no %q:\n%s", want, page)
		}
	}
	return b.send("", signin.SignInPath, url.Values{signin.PersonTokenField: {token}, signin.BackField: {path}}, status)
}

// TestTwoTokens: two people with tokens of their own approve in their browsers what needs two.
func TestTwoTokens(t *testing.T) {
	s := newSite(t, "guards: {approvals: 2}\n")
	ci := s.browser()
	if text := ci.withToken("/", s.token("ci", false, signin.Trigger), http.StatusForbidden); !strings.Contains(text,
		"for a program") {
		t.Errorf("a program's token:\n%s", text)
	}
	ann, bob := s.browser(), s.browser()
	ann.open(s.link("cid"), http.StatusOK)
	page := ann.open("/pipelines/handbook", http.StatusOK)
	ann.send(page, "/pipelines/handbook/runs", url.Values{"mode": {"full"}}, http.StatusOK)
	s.idle()
	s.Write(100, 0) // opens 50 documents to everybody
	ann.send(page, "/pipelines/handbook/runs", url.Values{}, http.StatusOK)
	s.idle()
	run := s.Runs()[0]
	if run.Refusal == "" {
		t.Fatalf("the run: %+v", run)
	}
	ann.send(page, "/sign-out", url.Values{}, http.StatusOK)
	path := "/pipelines/handbook/runs/" + run.ID
	approve := "/pipelines/handbook/refusals/" + run.Refusal + "/approval"
	first := ann.withToken(path, s.token("ann", true, signin.Approve), http.StatusOK)
	if !strings.Contains(first, "Approve refusal "+run.Refusal) {
		t.Fatalf("the page after signing in:\n%s", first)
	}
	ann.send(first, "/pipelines/handbook/runs", url.Values{}, http.StatusForbidden) // the token has no such role
	ann.send(first, approve, url.Values{"reason": {"the handbook is public now"}}, http.StatusOK)
	s.idle()
	if s.Runs()[0].ID != run.ID {
		t.Fatal("one of two people has approved, and a run began")
	}
	bob.send(bob.withToken(path, s.token("bob", true, signin.Approve), http.StatusOK), approve,
		url.Values{"reason": {"yes"}}, http.StatusOK)
	s.idle()
	if last := s.Runs()[0]; last.ID == run.ID || last.Class != 0 || last.Asked[0].By != "bob" {
		t.Errorf("after both: %+v", last)
	}
}

// TestTriesBehindProxy: behind a proxy, failed sign-ins are counted by the address that the proxy
// adds, whatever the client writes before it.
func TestTriesBehindProxy(t *testing.T) {
	w := servetest.New(t, registry(), "../../../pipelines/examples/files/handbook.yaml", "")
	w.Start()
	site, err := web.Listen(w.Server, web.Options{Listen: "127.0.0.1:0", BehindProxy: []string{"127.0.0.1"},
		PublicURL: "https://pipe.example.com"}, &redact.Redactor{}, metrics.New("v1"), "v1")
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- site.Serve(stop) }()
	defer func() {
		close(stop)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	guess := func(from ...string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+site.Addr()+signin.SignInPath,
			strings.NewReader(url.Values{signin.PersonTokenField: {"pipe_x"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "pipe.example.com"
		r.Header.Set("Origin", "https://pipe.example.com")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header["X-Forwarded-For"] = from
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for i := range 11 {
		want := http.StatusForbidden
		if i == 10 {
			want = http.StatusTooManyRequests
		}
		if got := guess("192.0.2."+string(rune('0'+i%10)), "198.51.100.7, 203.0.113.9"); got != want {
			t.Errorf("guess %d: %d, want %d", i, got, want)
		}
	}
	if got := guess("203.0.113.10"); got != http.StatusForbidden {
		t.Errorf("another client: %d", got)
	}
}

// openIDFile writes the file of a provider.
func openIDFile(t *testing.T, p *openidtest.Provider, grants string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "openid.yaml")
	text := "issuer: " + p.URL + "\nclient_id: " + p.ClientID + "\nclient_secret: ${SECRET}\ngrants:\n" + grants
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpenID: a person signs in at a provider and comes back to the page that they wanted; the
// audit log has who came and who did not.
func TestOpenID(t *testing.T) {
	p := openidtest.Start(t, "localhost")
	file := openIDFile(t, p, "  - {people: [ann@example.com], roles: [approve, trigger]}\n")
	s := newSiteWith(t, "", web.Options{OpenIDFile: file,
		Lookup: func(name string) (string, bool) { return p.Secret, name == "SECRET" }})
	p.Set(func(p *openidtest.Provider) { p.Redirect = s.web.Origin() + signin.CallbackPath })
	ann, bob := s.browser(), s.browser()
	page := ann.open("/pipelines/handbook", http.StatusUnauthorized)
	host := strings.TrimPrefix(p.URL, "http://")
	link := signin.OpenIDPath + "?back=%2Fpipelines%2Fhandbook"
	if !strings.Contains(page, `href="`+link+`">Sign in at `+host+`</a>`) {
		t.Fatalf("the page does not lead to the provider:\n%s", page)
	}
	if page := ann.open(link, http.StatusOK); !strings.Contains(page, `url=/pipelines/handbook"`) {
		t.Fatalf("the page after signing in:\n%s", page)
	}
	page = ann.open("/pipelines/handbook", http.StatusOK)
	if !strings.Contains(page, "<bdi>ann@example.com</bdi>") {
		t.Errorf("the page:\n%s", page)
	}
	ann.send(page, "/pipelines/handbook/runs", url.Values{}, http.StatusOK)
	s.idle()
	if by := s.Runs()[0].Asked[0].By; by != "ann@example.com" {
		t.Errorf("the run was asked for by %s", by)
	}
	p.Set(func(p *openidtest.Provider) { p.Claims["email"] = "bob@example.com" })
	if page := bob.open(link, http.StatusForbidden); !strings.Contains(page, "bob@example.com has no role") ||
		!strings.Contains(page, `<a href="/">Sign in</a>`) {
		t.Errorf("the page without a grant:\n%s", page)
	}
	bob.open("/", http.StatusUnauthorized)
	if page := ann.open("/", http.StatusOK); !strings.Contains(page, `href="/log"`) {
		t.Errorf("the overview does not lead to the audit log:\n%s", page)
	}
	log := ann.open("/log", http.StatusOK)
	for _, want := range []string{
		"<bdi>ann@example.com</bdi></td><td>sign in</td><td><bdi></bdi></td>\n<td><bdi>at " + p.URL + " as ann-1</bdi>",
		"<bdi>bob@example.com</bdi></td><td>sign-in refused</td><td><bdi></bdi></td>\n<td><bdi>no grant names this person",
		"<td>trigger</td><td><bdi>handbook</bdi></td>",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log has no %q:\n%s", want, log)
		}
	}
	cid := s.browser()
	cid.withToken("/", s.tokenFor("cid", "handbook", true, signin.Inspect), http.StatusOK)
	cid.open("/log", http.StatusForbidden)
	if page := cid.open("/", http.StatusOK); strings.Contains(page, "/log") {
		t.Errorf("the overview leads to the audit log:\n%s", page)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	ann.open("/", http.StatusUnauthorized)
	ann.open(s.link("ann"), http.StatusOK) // other ways to sign in stay
	ann.open("/readyz", http.StatusOK)
}

// TestSignOut: a sign-out in the history ends a session of the server.
func TestSignOut(t *testing.T) {
	s := newSite(t, "")
	ann, bob := s.browser(), s.browser()
	ann.open(s.link("ann"), http.StatusOK)
	bob.open(s.link("bob"), http.StatusOK)
	unused := s.link("ann")
	if known, err := s.Server.History.SignOut(t.Context(), "ann", s.Clock.Now()); err != nil || !known {
		t.Fatal(known, err)
	}
	ann.open("/", http.StatusUnauthorized)
	ann.open(unused, http.StatusForbidden)
	bob.open("/", http.StatusOK)
	ann.open(s.link("ann"), http.StatusOK)
	ann.open("/", http.StatusOK)
}
