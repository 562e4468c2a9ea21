package e2e

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve/signin/openid/openidtest"
)

// visitor is a browser that keeps cookies.
type visitor struct {
	t    *testing.T
	http *http.Client
}

func newVisitor(t *testing.T) visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return visitor{t, &http.Client{Jar: jar, Timeout: patience}}
}

// open opens an address, and returns the page.
func (v visitor) open(address string, status int) string {
	v.t.Helper()
	resp, err := v.http.Get(address)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		v.t.Fatalf("%s: %s, want %d: %v\n%s", resp.Request.URL, resp.Status, status, err, page)
	}
	return string(page)
}

// providerLink finds the link of the sign-in page that leads to the provider.
var providerLink = regexp.MustCompile(`href="(/sign-in/openid[^"]*)"`)

// signInPage opens a page without a session, and follows the link to the provider.
func (v visitor) signInPage(origin string, status int) string {
	v.t.Helper()
	m := providerLink.FindStringSubmatch(v.open(origin+"/pipelines/backstage", http.StatusUnauthorized))
	if m == nil {
		v.t.Fatal("the page does not lead to the provider")
	}
	return v.open(origin+m[1], status)
}

// TestOpenID: a server starts while its provider is down, and signs people in later; what it
// prints has no secret.
func TestOpenID(t *testing.T) {
	t.Parallel()
	p := openidtest.Start(t, "localhost")
	p.Down = map[string]bool{"/.well-known/openid-configuration": true}
	text := "issuer: " + p.URL + "\nclient_id: pipe\nclient_secret: ${OPENID}\n" +
		"grants:\n  - {people: [ann@example.com], roles: [view]}\n"
	s := startServerWith(t, map[string]string{"OPENID": p.Secret}, filepath.Join(t.TempDir(), "state"), "--sandbox",
		"--openid", write(t, "openid.yaml", text), shipped)
	ann := newVisitor(t)
	if page := ann.signInPage(s.origin, http.StatusServiceUnavailable); !strings.Contains(page, "cannot be used now") {
		t.Errorf("the page while the provider is down:\n%s", page)
	}
	if log := s.text(); !strings.Contains(log, "people cannot sign in at the OpenID provider") ||
		!strings.Contains(log, "answered 503") {
		t.Errorf("the log while the provider is down:\n%s", log)
	}
	p.Set(func(p *openidtest.Provider) { p.Down = nil })
	other := startServerWith(t, map[string]string{"OPENID": p.Secret}, filepath.Join(t.TempDir(), "state"), "--sandbox",
		"--openid", write(t, "openid.yaml", text), shipped) // the first one pauses for five seconds
	ann.signInPage(other.origin, http.StatusOK)
	if page := ann.open(other.origin+"/pipelines/backstage", http.StatusOK); !strings.Contains(page, "ann@example.com") {
		t.Errorf("the page after signing in:\n%s", page)
	}
	for _, text := range []string{s.text(), other.text()} {
		if strings.Contains(text, p.Secret) || strings.Contains(text, "code=") {
			t.Errorf("the output has a secret or a code:\n%s", text)
		}
	}
	wrong := pipe(t, nil, "serve", "--sandbox", "--listen", "127.0.0.1:0", "--state", t.TempDir(), "--openid",
		write(t, "openid.yaml", "issuer: http://login.example.com\nclient_id: pipe\nclient_secret: hunter2-hunter2\n"+
			"grants:\n  - {people: [ann], roles: [admin]}\n"), shipped)
	wrong.expect(t, int(job.Wrong), "openid.yaml:1:9", "openid.yaml:5:29", "write https://",
		"2 problems, nothing was done")
	if strings.Contains(wrong.both(), "hunter2") {
		t.Errorf("the output has the secret:\n%s", wrong.both())
	}
	pipe(t, nil, "serve", "--sandbox", "--listen", "127.0.0.1:0", "--state", t.TempDir(), "--openid", "none.yaml",
		shipped).expect(t, int(job.Wrong), "does not exist: none.yaml", "→")
}

// TestServeSignOut: a command on the machine of the server ends sessions at once.
func TestServeSignOut(t *testing.T) {
	t.Parallel()
	s := startServer(t, filepath.Join(t.TempDir(), "state"), "--sandbox", shipped)
	ann, bob := newVisitor(t), newVisitor(t)
	for name, v := range map[string]visitor{"Ann@example.com": ann, "bob": bob} {
		v.open(strings.TrimSpace(s.command("serve", "link", "--person", name).stdout), http.StatusOK)
	}
	unused := strings.TrimSpace(s.command("serve", "link", "--person", "cid").stdout)
	added := s.command("serve", "token", "add", "ann@example.com", "--person", "--role", "view")
	c := s.command("serve", "sign-out", "ANN@example.com")
	c.expect(t, 0, "ended the sessions and links of ann@example.com", "still signs in")
	if strings.Contains(c.both(), strings.TrimSpace(added.stdout)) {
		t.Errorf("the output has the token:\n%s", c.both())
	}
	ann.open(s.origin+"/", http.StatusUnauthorized)
	bob.open(s.origin+"/", http.StatusOK)
	s.command("serve", "sign-out", "cid").expect(t, 0, "ended the sessions and links of cid")
	newVisitor(t).open(unused, http.StatusForbidden)
	s.command("serve", "sign-out", "--all", "--json").expect(t, 0, `"all": true`)
	bob.open(s.origin+"/", http.StatusUnauthorized)
	s.command("serve", "sign-out", "eve").expect(t, int(job.Wrong), "eve has never signed in")
	s.command("serve", "sign-out").expect(t, int(job.Wrong), "one NAME, or --all")
	s.command("serve", "sign-out", "bob", "--all").expect(t, int(job.Wrong), "one NAME, or --all")
	s.command("serve", "link", "--person", "bob").expect(t, 0, s.origin)
}
