package signin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// token adds a token, and returns it.
func (s *site) token(name string, person bool, roles ...signin.Role) (string, signin.Token) {
	s.t.Helper()
	token, entry, err := signin.AddToken(s.tokens, signin.Token{Name: name, Person: person, Expires: s.now.Add(time.Hour),
		Grant: signin.Grant{Roles: roles, Pipelines: []string{"*"}}})
	if err != nil {
		s.t.Fatal(err)
	}
	return token, entry
}

// send sends the form of the sign-in page.
func (s *site) send(token, back string, headers ...string) *http.Response {
	s.t.Helper()
	return s.do("POST", signin.SignInPath, "", url.Values{signin.PersonTokenField: {token},
		signin.BackField: {back}}.Encode(), append([]string{"Origin", s.server.URL}, headers...)...)
}

// withToken signs in, and returns the cookie.
func (s *site) withToken(token string) string {
	s.t.Helper()
	resp := s.send(token, "/")
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		s.t.Fatalf("signing in: %s, %v: %s", resp.Status, resp.Cookies(), s.text(resp))
	}
	return resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
}

// session returns the session of a request with a cookie.
func (s *site) session(cookie string) *signin.Session {
	r := httptest.NewRequest("GET", s.server.URL+"/", nil)
	r.Header.Set("Cookie", cookie)
	return s.guard.Session(r)
}

// TestPersonToken: a session that began with a token is that of its person, and has its roles as
// long as the token is in the file and has not expired.
func TestPersonToken(t *testing.T) {
	s := newSite(t)
	token, entry := s.token("Ann@Example.com", true, signin.Approve)
	cookie := s.withToken(token)
	who := s.session(cookie).Who
	if who.Name != "ann@example.com" || !who.Person || !who.Proven || who.ID != entry.ID ||
		!who.May(signin.Approve, "catalog") || who.May(signin.Trigger, "catalog") {
		t.Errorf("signed in as %+v", who)
	}
	if len(s.who) != 1 || s.who[0] != "ann@example.com with token "+entry.ID {
		t.Errorf("%v signed in", s.who)
	}
	other := s.signIn()

	text, err := os.ReadFile(s.tokens)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.Remove(s.tokens); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.tokens, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.Replace(string(text), `"approve"`, `"view"`, 1))
	if who := s.session(cookie).Who; who.May(signin.Approve, "catalog") || !who.May(signin.View, "catalog") {
		t.Errorf("the session has not followed the token: %+v", who)
	}
	write(strings.Replace(string(text), `"person":true`, `"person":false`, 1))
	s.want("a token that is no person's any more", s.do("GET", "/", cookie, ""), http.StatusUnauthorized)
	write(string(text))
	s.want("the token as it was", s.do("GET", "/", cookie, ""), http.StatusOK)
	if runtime.GOOS != "windows" {
		if err := os.Chmod(s.tokens, 0o644); err != nil {
			t.Fatal(err)
		}
		s.want("a file that others may use", s.do("GET", "/", cookie, ""), http.StatusUnauthorized)
		s.want("and the form", s.send(token, "/"), http.StatusServiceUnavailable)
		if err := os.Chmod(s.tokens, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := signin.RevokeToken(s.tokens, entry.ID); err != nil {
		t.Fatal(err)
	}
	s.want("a revoked token", s.do("GET", "/", cookie, ""), http.StatusUnauthorized)
	s.want("and the form", s.send(token, "/"), http.StatusForbidden)
	s.want("a session of a link", s.do("GET", "/", other, ""), http.StatusOK)

	token, entry = s.token("bob", true, signin.View)
	cookie = s.withToken(token)
	for range 2 {
		s.now = s.now.Add(29 * time.Minute)
		s.want("before the token expires", s.do("GET", "/", cookie, ""), http.StatusOK)
	}
	s.now = s.now.Add(2 * time.Minute)
	s.want("an expired token", s.do("GET", "/", cookie, ""), http.StatusUnauthorized)
	s.want("and the form", s.send(token, "/"), http.StatusForbidden)
	if want := "bob: token " + entry.ID + " has expired"; len(s.denied) != 1 || s.denied[0] != want {
		t.Errorf("denied: %v", s.denied)
	}
}

// TestFormRefuses: only a person's token signs in, from the server's own page.
func TestFormRefuses(t *testing.T) {
	s := newSite(t)
	token, _ := s.token("ann", true, signin.View)
	program, entry := s.token("ci", false, signin.View)
	resp := s.send(program, "/")
	s.want("a program's token", resp, http.StatusForbidden)
	if text := s.text(resp); !strings.Contains(text, "for a program") || len(resp.Cookies()) != 0 {
		t.Errorf("the answer is %q, with %v", text, resp.Cookies())
	}
	if len(s.denied) != 1 || s.denied[0] != "ci: token "+entry.ID+" is for a program" {
		t.Errorf("denied: %v", s.denied)
	}
	for name, headers := range map[string][]string{
		"another site":       {"Origin", "https://evil.example"},
		"a page of no site":  {"Origin", "null"},
		"another of the IPs": {"Origin", strings.Replace(s.server.URL, "127.0.0.1", "127.0.0.2", 1)},
	} {
		resp := s.send(token, "/", headers...)
		if s.want(name, resp, http.StatusForbidden); len(resp.Cookies()) != 0 {
			t.Errorf("%s: it has a cookie all the same", name)
		}
	}
	s.want("another host", s.send(token, "/", "Host", "evil.example"), http.StatusMisdirectedRequest)
	s.want("a token in the address", s.do("POST", signin.SignInPath+"?"+signin.PersonTokenField+"="+token, "", "a=b",
		"Origin", s.server.URL), http.StatusForbidden)
	s.want("a token in a link", s.do("GET", signin.SignInPath+"?"+signin.PersonTokenField+"="+token, "", ""),
		http.StatusSeeOther)
	s.want("a large form", s.send(token, strings.Repeat("x", 100<<10)), http.StatusForbidden)
	if s.refuse = os.ErrClosed; len(s.send(token, "/").Cookies()) != 0 {
		t.Error("a sign-in that is not recorded has a cookie")
	}
}

// TestBack: after signing in, a browser is led to a page of this server alone.
func TestBack(t *testing.T) {
	s := newSite(t)
	token, _ := s.token("ann", true, signin.View)
	for back, want := range map[string]string{
		"/pipelines/a/runs/1?before=2": "/pipelines/a/runs/1?before=2", "": "/", "/": "/", "runs": "/",
		"https://evil.example": "/", "//evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/",
		"/\t/evil.example": "/", "/\n/evil.example": "/", "javascript:alert(1)": "/", "/a\r\nSet-Cookie: x=y": "/",
		"/sign-in?code=x": "/", "/sign-in/openid": "/", "/%2fevil.example": "/%2fevil.example", "http:evil.example": "/",
		"/" + strings.Repeat("a", 3000): "/", "/ä": "/", "/a b": "/",
	} {
		resp := s.send(token, back)
		if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("%q leads to %q, want %q (%s)", back, got, want, resp.Status)
		}
		if to, err := url.Parse(s.server.URL); err != nil || !strings.HasPrefix(to.JoinPath(want).String(), s.server.URL) {
			t.Errorf("%q leads away", back)
		}
	}
}

// TestManyTries: the failures of a client are answered with 429 for a minute, and the right token
// is always accepted.
func TestManyTries(t *testing.T) {
	s := newSite(t)
	token, _ := s.token("ann", true, signin.View)
	program, _ := s.token("ci", false, signin.View)
	for range 30 {
		s.withToken(token) // succeeds
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for i := range 50 {
		wg.Go(func() {
			status := s.from("192.0.2.1:1", fmt.Sprint("pipe_guess-", i))
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
	}
	wg.Wait()
	if answers[http.StatusForbidden] != 10 || answers[http.StatusTooManyRequests] != 40 {
		t.Errorf("the answers: %v", answers)
	}
	if status := s.from("192.0.2.1:99", program); status != http.StatusTooManyRequests || len(s.denied) != 0 {
		t.Errorf("a program's token after many guesses: %d, %v", status, s.denied)
	}
	if status := s.from("192.0.2.1:99", token); status != http.StatusSeeOther {
		t.Errorf("the right token after many guesses: %d", status)
	}
	if status := s.from("192.0.2.2:1", "pipe_x"); status != http.StatusForbidden {
		t.Errorf("another client: %d", status)
	}
	s.now = s.now.Add(59 * time.Second)
	if status := s.from("192.0.2.1:1", "pipe_x"); status != http.StatusTooManyRequests {
		t.Errorf("before the minute has passed: %d", status)
	}
	s.now = s.now.Add(time.Second)
	if status := s.from("192.0.2.1:1", "pipe_x"); status != http.StatusForbidden {
		t.Errorf("after a minute: %d", status)
	}
	for i := range 20 { // one site has all addresses of its network
		s.from(fmt.Sprintf("[2001:db8:0:%x::1]:1", i), "pipe_x")
	}
	if status := s.from("[2001:db8:0:ffff::1]:1", "pipe_x"); status != http.StatusTooManyRequests {
		t.Errorf("another address of the network: %d", status)
	}
	if status := s.from("[2001:db8:1::1]:1", "pipe_x"); status != http.StatusForbidden {
		t.Errorf("another network: %d", status)
	}
}

// from sends the form of the sign-in page from an address.
func (s *site) from(address, token string) int {
	r := httptest.NewRequest("POST", s.server.URL+signin.SignInPath,
		strings.NewReader(url.Values{signin.PersonTokenField: {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", s.server.URL)
	r.RemoteAddr = address
	w := httptest.NewRecorder()
	s.guard.Protect(http.NotFoundHandler()).ServeHTTP(w, r)
	return w.Code
}

// TestNames: names that differ only in the case of an e-mail address are one person, and a person
// is no program.
func TestNames(t *testing.T) {
	for name, want := range map[string]string{"Ann": "Ann", "Ann@Example.com": "ann@example.com",
		"\u212aate@example.com": "\u212aate@example.com"} { // the Kelvin sign: another person than kate
		if got := signin.Canonical(name); got != want {
			t.Errorf("%q is %q", name, got)
		}
	}
	path := filepath.Join(t.TempDir(), "tokens.json")
	if _, _, err := signin.AddToken(path, signin.Token{Name: "CI", Grant: viewAll}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := signin.AddToken(path, signin.Token{Name: "ci", Person: true, Grant: viewAll}); err == nil {
		t.Error("ci is a person and a program")
	}
}
