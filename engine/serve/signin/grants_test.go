package signin

import (
	"errors"
	"log/slog"
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

// TestMostAttempts: sign-ins that are not finished take bounded memory; the newest stay.
func TestMostAttempts(t *testing.T) {
	var a attempts
	now := time.Now()
	for range mostAttempts + 100 {
		now = now.Add(time.Microsecond)
		a.add(NewCode(), &attempt{Attempt: &openid.Attempt{}, begun: now})
	}
	if len(a.all) != mostAttempts || a.order.Len() != mostAttempts {
		t.Errorf("%d attempts", len(a.all))
	}
	for _, e := range a.all {
		if now.Sub(e.Value.(*attempt).begun) >= mostAttempts*time.Microsecond {
			t.Fatal("an old attempt is there, and a newer one is not")
		}
	}
	a.add(NewCode(), &attempt{Attempt: &openid.Attempt{}, begun: now.Add(attemptTime + time.Second)})
	if len(a.all) != 1 || a.order.Len() != 1 {
		t.Errorf("%d attempts after they have expired", len(a.all))
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
