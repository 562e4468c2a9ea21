package signin

import (
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve/signin/openid"
)

func TestSpec(t *testing.T) {
	if err := config.CheckSpec(&openIDFile{}); err != nil {
		t.Error(err)
	}
}

// TestWrongFiles: a wrong file is refused with the place of each fault.
func TestWrongFiles(t *testing.T) {
	open := func(path string) error {
		_, err := OpenOpenID(path, OpenIDOptions{Secrets: &redact.Redactor{}, Log: slog.New(slog.DiscardHandler),
			Now: time.Now, Lookup: func(string) (string, bool) { return "", false }})
		return err
	}
	const good = "issuer: https://login.example.com\nclient_id: pipe\ngrants: [{groups: [a], roles: [view]}]\n"
	const head = "issuer: https://login.example.com\nclient_id: pipe\n"
	for text, want := range map[string]string{
		good: "",
		"client_id: pipe\ngrants: [{groups: [a], roles: [view]}]":                   "issuer",
		"issuer: https://login.example.com\ngrants: [{groups: [a], roles: [view]}]": "client_id",
		head:                "grants",
		head + "grants: []": "grants",
		strings.Replace(good, "https", "http", 1):                                              "unencrypted",
		strings.Replace(good, "https://login.example.com", "login.example.com", 1):             "not the address",
		strings.Replace(good, "https://login.example.com", "https://a:b@login.example.com", 1): "not the address",
		strings.Replace(good, "https://login.example.com", "https://169.254.169.254", 1):       "link-local",
		strings.Replace(good, "view", "admin", 1):                                              "not a role",
		strings.Replace(good, "view", "push", 1):                                               "do not push",
		strings.Replace(good, "roles: [view]", "roles: []", 1):                                 "roles",
		strings.Replace(good, "groups: [a], ", "", 1):                                          "neither people nor groups",
		strings.Replace(good, "[a]", `[""]`, 1):                                                "name is empty",
		strings.Replace(good, "groups", "group", 1):                                            "group",
		good + "client_secret: ${MISSING}":                                                     "MISSING",
		good + "grants: []":                                                                    "grants",
		"":                                                                                     "",
	} {
		path := filepath.Join(t.TempDir(), "openid.yaml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := open(path)
		if text == good {
			if err != nil {
				t.Errorf("the good file: %v", err)
			}
			continue
		}
		var wrong *FileError
		if !errors.As(err, &wrong) || !errors.As(err, new(config.Problems)) ||
			!strings.HasPrefix(text, string(wrong.Source)) || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "openid.yaml:") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	dir := t.TempDir()
	var state *fault.StateError
	for _, path := range []string{filepath.Join(dir, "missing.yaml"), dir} {
		if err := open(path); !errors.As(err, &state) || state.Remedy == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestAttempts: the server remembers attempts only while they are being finished, and those that
// have succeeded, until they expire.
func TestAttempts(t *testing.T) {
	a := newAttempts()
	now := time.Now()
	one := &attempt{Attempt: openid.Attempt{State: "s", Nonce: "n", Verifier: "v", Redirect: "r"}, Back: "/", Begun: now}
	answer := url.Values{"state": {"s"}}
	cookie, err := a.seal(one)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if _, err := a.seal(one); err != nil {
			t.Fatal(err)
		}
	}
	found := a.open(cookie, answer, now)
	if len(a.used) != 0 || found == nil || found.Attempt != one.Attempt || found.Back != "/" {
		t.Fatalf("%d are remembered, and the first is %+v", len(a.used), found)
	}
	for i := range len(cookie) {
		changed := []byte(cookie)
		changed[i] = map[bool]byte{true: 'B', false: 'A'}[changed[i] == 'A']
		if i == len(cookie)-1 { // some of its bits are unused
			changed = changed[:i]
		}
		if a.open(string(changed), answer, now) != nil {
			t.Fatalf("a cookie whose character %d was changed is an attempt", i)
		}
	}
	for name, other := range map[string]*attempt{
		"the cookie of another server": newAttempts().open(cookie, answer, now),
		"another state":                a.open(cookie, url.Values{"state": {"x"}}, now),
		"after ten minutes":            a.open(cookie, answer, now.Add(attemptTime+time.Second)),
	} {
		if other != nil {
			t.Errorf("%s is an attempt", name)
		}
	}
	if empty, err := a.seal(&attempt{Begun: now}); err != nil || a.open(empty, url.Values{}, now) != nil {
		t.Errorf("an attempt without a state: %v", err)
	}
	for range 100 {
		if !a.begin(one, now) || a.begin(one, now) {
			t.Fatal("an attempt is finished twice at once, or not at all")
		}
		a.end(one, false)
	}
	if len(a.used) != 0 {
		t.Errorf("%d that failed are remembered", len(a.used))
	}
	a.begin(one, now)
	if a.end(one, true); a.begin(one, now) || len(a.used) != 1 {
		t.Error("an attempt that has succeeded can be finished again")
	}
	if a.begin(&attempt{Attempt: openid.Attempt{State: "t"}}, now.Add(attemptTime+time.Second)); len(a.used) != 1 {
		t.Errorf("%d are remembered after the first has expired", len(a.used))
	}
}

// TestExample: the example of the file is right, and gives the roles that it says.
func TestExample(t *testing.T) {
	p, err := OpenOpenID("../../../pipelines/examples/openid.yaml", OpenIDOptions{Secrets: &redact.Redactor{},
		Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Lookup: func(name string) (string, bool) { return "secret", name == "PIPE_OPENID_SECRET" }})
	if err != nil {
		t.Fatal(err)
	}
	ann, team := p.principal("ann@example.com", nil), p.principal("bob@example.com", []string{"engineering"})
	if !ann.May(Approve, "backstage") || ann.May(View, "other") || !team.May(View, "other") ||
		team.May(Trigger, "backstage") || p.principal("eve@example.com", []string{"sales"}) != nil {
		t.Errorf("ann: %+v, a member of engineering: %+v", ann, team)
	}
}
