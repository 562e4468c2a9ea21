package web_test

import (
	"database/sql"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/metrics"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
	"github.com/pipe-engine/pipe/engine/serve/signin"
	"github.com/pipe-engine/pipe/engine/serve/web"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
)

func registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{filesource.Spec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{filesink.Spec().Any()},
	}
}

// site is a server with its pages on a free port.
type site struct {
	*servetest.World
	t    *testing.T
	web  *web.Web
	stop chan struct{}
	done chan error
}

func newSite(t *testing.T, more string) *site {
	t.Helper()
	return newSiteWith(t, more, web.Options{})
}

func newSiteWith(t *testing.T, more string, o web.Options) *site {
	t.Helper()
	o.Listen = "127.0.0.1:0"
	s := &site{World: servetest.New(t, registry(), "../../../pipelines/examples/files/handbook.yaml", more), t: t,
		stop: make(chan struct{}), done: make(chan error, 1)}
	s.Start()
	s.Settle() // at its start, the server removes what is too old by its clock
	var err error
	s.web, err = web.Listen(s.Server, o, &redact.Redactor{}, metrics.New("v1.2.3"), "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.web.Serve(s.stop) }()
	t.Cleanup(func() {
		close(s.stop)
		if err := <-s.done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// link returns a link that signs a person in.
func (s *site) link(person string) string {
	s.t.Helper()
	link, err := web.NewLink(s.t.Context(), s.Server.History, s.web.Origin(), person)
	if err != nil {
		s.t.Fatal(err)
	}
	return link
}

// browser is a client that keeps cookies, as a browser does.
type browser struct {
	s    *site
	http *http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, &http.Client{Jar: jar}}
}

func (b *browser) open(address string, status int) string {
	b.s.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.s.web.Origin() + address
	}
	resp, err := b.http.Get(address)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return b.read(resp, status)
}

func (b *browser) read(resp *http.Response, status int) string {
	b.s.t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	if resp.StatusCode != status {
		b.s.t.Fatalf("%s %s: %s, want %d: %s", resp.Request.Method, resp.Request.URL, resp.Status, status, text)
	}
	return string(text)
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// send submits a form of a page.
func (b *browser) send(page, action string, fields url.Values, status int) string {
	b.s.t.Helper()
	if m := tokenField.FindStringSubmatch(page); m != nil {
		fields.Set(signin.TokenField, m[1])
	}
	r, err := http.NewRequestWithContext(b.s.t.Context(), "POST", b.s.web.Origin()+action,
		strings.NewReader(fields.Encode()))
	if err != nil {
		b.s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.s.web.Origin())
	resp, err := b.http.Do(r)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return b.read(resp, status)
}

// idle waits until no run is in progress or waits.
func (s *site) idle() {
	s.t.Helper()
	for range 1000 {
		if now := s.Server.Pipelines()[0].Status(); now.Running == "" && now.Queued == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("a run has not ended after ten seconds")
}

// TestPages follows a person from signing in to the approval of a refusal.
func TestPages(t *testing.T) {
	s := newSite(t, "")
	ann, bob := s.browser(), s.browser()
	ann.open("/", http.StatusUnauthorized)
	ann.open(s.link("ann"), http.StatusOK)
	bob.open(s.link("bob"), http.StatusOK)
	home := ann.open("/", http.StatusOK)
	for _, want := range []string{"handbook", "has not run yet", "no schedule", "signed in as"} {
		if !strings.Contains(home, want) {
			t.Errorf("the overview does not have %q:\n%s", want, home)
		}
	}
	page := ann.open("/pipelines/handbook", http.StatusOK)
	ann.send("", "/pipelines/handbook/runs", url.Values{}, http.StatusForbidden)
	ann.send(page, "/pipelines/handbook/runs", url.Values{"mode": {"every"}}, http.StatusBadRequest)
	ann.send(page, "/pipelines/handbook/runs", url.Values{"mode": {"full"}}, http.StatusOK)
	s.idle()
	s.Write(30, 10)
	ann.send(page, "/pipelines/handbook/runs", url.Values{}, http.StatusOK)
	s.idle()
	runs := s.Runs()
	if len(runs) != 2 || runs[0].Refusal == "" || runs[1].Mode != "full" {
		t.Fatalf("the runs: %+v", runs)
	}
	home = bob.open("/", http.StatusOK)
	if !strings.Contains(home, "waits for approval") || !strings.Contains(home, "70 documents") {
		t.Errorf("the overview does not have the refusal:\n%s", home)
	}
	path := "/pipelines/handbook/runs/" + runs[0].ID
	refused := bob.open(path, http.StatusOK)
	for _, want := range []string{"max_loss", "70 documents deleted", "page-30", "Approve refusal " + runs[0].Refusal} {
		if !strings.Contains(refused, want) {
			t.Errorf("the refused run does not have %q", want)
		}
	}
	approve := "/pipelines/handbook/refusals/" + runs[0].Refusal + "/approval"
	if no := ann.send(ann.open(path, http.StatusOK), approve, url.Values{}, http.StatusForbidden); !strings.Contains(no,
		"another person") {
		t.Errorf("who asked for the run approves:\n%s", no)
	}
	bob.send(refused, approve, url.Values{"reason": {"pages were merged"}}, http.StatusOK)
	s.idle()
	if last := s.Runs()[0]; last.Class != 0 || last.Asked[0].By != "bob" {
		t.Errorf("the approved run: %+v", last)
	}
	bob.send(refused, approve, url.Values{"reason": {strings.Repeat("x", 501)}}, http.StatusBadRequest)
	bob.send(refused, approve, url.Values{"reason": {"again"}}, http.StatusConflict)
	log := bob.open("/pipelines/handbook/log", http.StatusOK)
	if !strings.Contains(log, "does not wait for approval") {
		t.Errorf("the audit log does not have the result:\n%s", log)
	}
	if !strings.Contains(log, "pages were merged") || !strings.Contains(log, "look at a run") {
		t.Errorf("the audit log:\n%s", log)
	}
	bob.open("/pipelines/other", http.StatusNotFound)
	bob.open("/pipelines/handbook/runs/other", http.StatusNotFound)
	bob.open("/other", http.StatusNotFound)
	bob.send(log, "/sign-out", url.Values{}, http.StatusOK)
	bob.open("/", http.StatusUnauthorized)
}

// TestReadAgain: the search page has a form that reads the documents again, and links to the pages
// above it.
func TestReadAgain(t *testing.T) {
	s := newSite(t, "")
	b := s.browser()
	b.open(s.link("ann"), http.StatusOK)
	const path = "/pipelines/handbook/search"
	read := func(page, button string) string {
		t.Helper()
		if !strings.Contains(page, button) {
			t.Fatalf("the page has no button %q:\n%s", button, page)
		}
		b.send(page, path, url.Values{}, http.StatusOK)
		for range 1000 {
			if page = b.open(path+"?q=page", http.StatusOK); strings.Contains(page, "Read again") {
				return page
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("the documents were not read after ten seconds:\n%s", page)
		return ""
	}
	page := read(b.open(path, http.StatusOK), "Read the documents")
	for _, want := range []string{"50 documents for", `<a href="/">`, `<a href="/pipelines/handbook">`} {
		if !strings.Contains(page, want) {
			t.Errorf("the search page has no %q:\n%s", want, page)
		}
	}
	b.send("", path, url.Values{}, http.StatusForbidden)
	s.Write(60, 5)
	if page = read(page, "Read again"); !strings.Contains(page, "55 documents for") {
		t.Errorf("the search page after another reading:\n%s", page)
	}
	b.open(path+"/people?q=an", http.StatusOK)
	b.open(path+"/?as=nemo", http.StatusOK)
	b.open(path+"/document?id=nothing", http.StatusNotFound)
	log := b.open("/pipelines/handbook/log", http.StatusOK)
	for _, want := range []string{"look for people", "as nemo", "nothing as Any user", "refused: there is none"} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log has no %q:\n%s", want, log)
		}
	}
}

// TestAddress: health answers everyone; the API takes no cookie, and only the server's own name.
func TestAddress(t *testing.T) {
	s := newSite(t, "")
	b := s.browser()
	if text := b.open("/healthz", http.StatusOK); text != "ok\n" {
		t.Errorf("health: %q", text)
	}
	if text := b.open("/readyz", http.StatusOK); text != "ready\n" {
		t.Errorf("readiness: %q", text)
	}
	b.open(s.link("ann"), http.StatusOK)
	b.open("/api/v1/pipelines", http.StatusUnauthorized)
	token, _, err := signin.AddToken(signin.TokensPath(serve.Folder(s.Server.State())), signin.Token{Name: "ci",
		Grant: signin.Grant{Roles: []signin.Role{signin.View}, Pipelines: []string{"*"}}})
	if err != nil {
		t.Fatal(err)
	}
	for host, status := range map[string]int{"": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.web.Origin()+"/api/v1/pipelines", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b.read(resp, status)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.web.Origin()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "10.1.2.3"
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	b.read(resp, http.StatusOK)
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    web.Options
		ok   bool
	}{
		{"loopback", web.Options{Listen: "127.0.0.1:7979"}, true},
		{"loopback, IPv6", web.Options{Listen: "[::1]:7979"}, true},
		{"localhost", web.Options{Listen: "localhost:7979"}, true},
		{"no port", web.Options{Listen: "127.0.0.1"}, false},
		{"open without TLS", web.Options{Listen: "0.0.0.0:7979"}, false},
		{"every address by an empty host", web.Options{Listen: ":7979"}, false},
		{"open with TLS", web.Options{Listen: "0.0.0.0:7979", CertFile: "a", KeyFile: "b",
			PublicURL: "https://pipe.example.com"}, true},
		{"open with TLS and no name", web.Options{Listen: "0.0.0.0:7979", CertFile: "a", KeyFile: "b"}, false},
		{"a certificate without its key", web.Options{Listen: "127.0.0.1:7979", CertFile: "a"}, false},
		{"a proxy", web.Options{Listen: "0.0.0.0:7979", BehindProxy: []string{"10.0.0.0/8"},
			PublicURL: "https://pipe.example.com"}, true},
		{"a proxy without TLS", web.Options{Listen: "0.0.0.0:7979", BehindProxy: []string{"10.0.0.0/8"},
			PublicURL: "http://pipe.example.com"}, false},
		{"a proxy with any address", web.Options{Listen: "0.0.0.0:7979", BehindProxy: []string{"0.0.0.0/0"},
			PublicURL: "https://pipe.example.com"}, false},
		{"a proxy that is no address", web.Options{Listen: "0.0.0.0:7979", BehindProxy: []string{"proxy"},
			PublicURL: "https://pipe.example.com"}, false},
		{"a public name without TLS", web.Options{Listen: "127.0.0.1:7979", PublicURL: "http://pipe.example.com"}, false},
		{"a public path", web.Options{Listen: "0.0.0.0:7979", BehindProxy: []string{"10.0.0.1"},
			PublicURL: "https://example.com/pipe"}, false},
	} {
		err := tt.o.Check()
		if (err == nil) != tt.ok || err != nil && !errors.As(err, new(*fault.Invalid)) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestBehindProxy: only the proxy reaches the pages, health aside.
func TestBehindProxy(t *testing.T) {
	w := servetest.New(t, registry(), "../../../pipelines/examples/files/handbook.yaml", "")
	w.Start()
	for proxy, status := range map[string]int{"127.0.0.1": http.StatusUnauthorized, "10.0.0.0/8": http.StatusForbidden} {
		site, err := web.Listen(w.Server, web.Options{Listen: "127.0.0.1:0", BehindProxy: []string{proxy},
			PublicURL: "https://pipe.example.com"}, &redact.Redactor{}, metrics.New("v1"), "v1")
		if err != nil {
			t.Fatal(err)
		}
		stop, done := make(chan struct{}), make(chan error, 1)
		go func() { done <- site.Serve(stop) }()
		for path, want := range map[string]int{"/": status, "/healthz": http.StatusOK} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+site.Addr()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "pipe.example.com"
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("proxy %s, %s: %s, want %d", proxy, path, resp.Status, want)
			}
		}
		close(stop)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestPagesWithoutRecords: the pages of pipelines do not read the whole records of runs, which may
// be large.
func TestPagesWithoutRecords(t *testing.T) {
	s := newSite(t, "")
	p := s.Server.Pipelines()[0]
	s.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	db, err := sql.Open("sqlite", "file:"+serve.HistoryPath(s.Server.State()))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE runs SET record = 'not JSON', facts = 'not JSON'"); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.open(s.link("ann"), http.StatusOK)
	for _, path := range []string{"/", "/pipelines/" + s.Name} {
		if text := b.open(path, http.StatusOK); !strings.Contains(text, "<dd>50</dd>") {
			t.Errorf("%s:\n%s", path, text)
		}
	}
	b.open("/pipelines/"+s.Name+"/runs/"+s.Runs()[0].ID, http.StatusInternalServerError) // the record cannot be read
}

// TestTwoServers: a browser is signed in at two servers of one host.
func TestTwoServers(t *testing.T) {
	one, other := newSite(t, ""), newSite(t, "")
	b := one.browser()
	for _, s := range []*site{one, other} {
		b.open(s.link("ann"), http.StatusOK)
	}
	for _, s := range []*site{one, other} {
		b.open(s.web.Origin()+"/", http.StatusOK)
	}
}
