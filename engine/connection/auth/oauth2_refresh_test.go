package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/secret/store"
)

// keeper is a place that keeps one refresh token.
type keeper struct {
	mu    sync.Mutex
	text  config.SecretText
	fails error // when the token is stored
}

func (k *keeper) Exchange(_ context.Context, use func(config.SecretText) (string, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next, err := use(k.text)
	if err != nil || next == "" {
		return err
	}
	k.text.Text = next
	return k.fails
}

// signedIn is a sign-in that a place keeps.
func signedIn(t *testing.T, k config.Kept) config.SignIn {
	t.Helper()
	var v struct {
		Token config.SignIn `yaml:"refresh_token"`
	}
	doc, _ := config.Parse("p.yaml", []byte("refresh_token: ${secret:portal-login}\n"))
	vars := &config.Variables{SignIns: config.UseSignIns,
		Keep: func(string, bool) (config.Kept, *config.SecretError) { return k, nil }}
	if problems := config.Decode(doc.Root(), &v, vars); problems.HasErrors() {
		t.Fatal(problems)
	}
	return v.Token
}

// refreshToken is one that has no part in common with another.
func refreshToken(n int) string { return strings.Repeat(string(rune('A'+n)), 16) }

// rotating has a provider take each refresh token once: a second use withdraws the sign-in.
func (p *idp) rotating(first string) {
	var mu sync.Mutex
	current, n := first, 0
	p.spoil = func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if current == "" || r.PostForm.Get("refresh_token") != current {
			current = ""
			answerJSON(w, 400, map[string]any{"error": "invalid_grant", "error_description": "grant request is invalid"})
			return
		}
		n++
		current = refreshToken(n)
		answerJSON(w, 200, map[string]any{"access_token": fmt.Sprintf("canary-access-%d", n), "refresh_token": current,
			"expires_in": 300})
	}
}

// TestRefresh: the refresh token is exchanged for an access token, and the one that replaces it
// is kept and used next.
func TestRefresh(t *testing.T) {
	p := newIDP(t)
	p.rotating(refreshToken(0))
	k := &keeper{text: config.SecretText{Text: refreshToken(0), Origins: []string{p.URL}}}
	l := p.list(t, OAuth2{RefreshToken: signedIn(t, k), Scope: "openid", Resource: "https://portal"})
	for n, want := range []string{"Bearer canary-access-1", "Bearer canary-access-2"} {
		got, used, err := authorized(t, l)
		if err != nil || got != want {
			t.Fatalf("%q, %v", got, err)
		}
		form, basic := <-p.forms, <-p.basics
		if form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != refreshToken(n) ||
			form.Get("client_id") != "pipe" || form.Get("resource") != "https://portal" || form.Has("scope") || basic[0] != "" {
			t.Error(form, basic)
		}
		if k.text.Text != refreshToken(n+1) {
			t.Error("the new refresh token is not kept")
		}
		if n == 0 {
			if changed, err := l.Renew(t.Context(), used); !changed || err != nil { // the server refused it
				t.Fatal(changed, err)
			}
		}
	}
	for _, secret := range []string{refreshToken(0), refreshToken(1), refreshToken(2), "canary-access-2"} {
		if p.secrets.Clean(secret) == secret {
			t.Errorf("the redactor does not know %s", secret)
		}
	}
}

// TestRefreshSame: a provider that replaces nothing leaves the store as it is, and a client
// with a secret proves itself.
func TestRefreshSame(t *testing.T) {
	p := newIDP(t)
	k := &keeper{text: config.SecretText{Text: "canary-refresh-0"}, fails: errors.New("the store was written")}
	l := p.list(t, OAuth2{RefreshToken: signedIn(t, k), ClientSecret: config.NewSecret("canary-client")})
	if got, _, err := authorized(t, l); err != nil || got != "Bearer token-number-1" {
		t.Fatal(got, err)
	}
	if basic := <-p.basics; basic != [2]string{"pipe", "canary-client"} {
		t.Error(basic)
	}
}

// TestRefreshTwo: processes that renew at the same time lose nothing, although the provider
// takes each refresh token once.
func TestRefreshTwo(t *testing.T) {
	p := newIDP(t)
	p.rotating(refreshToken(0))
	identity, err := store.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "secrets.age")
	open := func() *store.Store {
		s, err := store.New(path, identity)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := open().Create(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := open().Set("portal-login", refreshToken(0), []string{p.URL}, false); err != nil {
		t.Fatal(err)
	}
	const processes, renewals = 4, 3
	var all sync.WaitGroup
	for range processes {
		l := p.list(t, OAuth2{RefreshToken: signedIn(t, named{open(), "portal-login"})})
		all.Go(func() {
			for range renewals {
				if _, err := l.Renew(t.Context(), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if last, err := open().Get("portal-login"); last.Text != refreshToken(processes*renewals) ||
		len(last.Origins) != 1 || err != nil {
		t.Error(last, err)
	}
}

// named is a secret of a store.
type named struct {
	*store.Store
	name string
}

func (n named) Exchange(ctx context.Context, use func(config.SecretText) (string, error)) error {
	return n.Store.Exchange(ctx, n.name, use)
}

// TestRefreshFails: what the provider, the store and the file can do wrong.
func TestRefreshFails(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil          http.HandlerFunc
		keeper         *keeper
		says, remedies string
		class          fault.Class
		asked          bool
	}{
		"withdrawn": {refuses("invalid_grant"), &keeper{}, "the sign-in has expired or was withdrawn: the token endpoint of ",
			"pipe login FILE", fault.Fatal, true},
		"down": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, &keeper{}, "answered 503", "",
			fault.Transient, true},
		"not stored": {gives(map[string]any{"refresh_token": "canary-next"}), &keeper{fails: errors.New("disk full")},
			"has replaced the refresh token, and the new one could not be stored: disk full", "pipe login FILE", fault.Fatal,
			true},
		"elsewhere": {nil, &keeper{text: config.SecretText{Origins: []string{"https://login.example.com"}}},
			"may only be sent to https://login.example.com", "", fault.Permanent, false},
		"not a bearer token": {gives(map[string]any{"token_type": "mac"}), &keeper{}, "of the type", "bearer token",
			fault.Fatal, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			p.spoil = tc.spoil
			tc.keeper.text.Text = "canary-refresh-0"
			k := tc.keeper
			_, _, err := authorized(t, p.list(t, OAuth2{RefreshToken: signedIn(t, k)}))
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(fault.RemedyOf(err), tc.remedies) ||
				fault.ClassOf(err) != tc.class || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v: %v\n%s", fault.ClassOf(err), err, fault.RemedyOf(err))
			}
			if asked := len(p.forms) > 0; asked != tc.asked {
				t.Errorf("the provider was asked: %v", asked)
			}
		})
	}
}

// TestRefreshStopped: a run that is stopped while the provider answers keeps the refresh token
// that replaces the old one, and does not wait long for it.
func TestRefreshStopped(t *testing.T) {
	p := newIDP(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.spoil = func(w http.ResponseWriter, r *http.Request) {
		cancel()
		gives(map[string]any{"refresh_token": "canary-next"})(w, r)
	}
	k := &keeper{text: config.SecretText{Text: "canary-refresh-0"}}
	l := p.list(t, OAuth2{RefreshToken: signedIn(t, k)})
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://portal.example.com", nil)
	_, _ = l.Authorize(ctx, r, nil)
	if k.text.Text != "canary-next" {
		t.Error("the new refresh token is lost")
	}
	synctest.Test(t, func(t *testing.T) {
		hang := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		l, err := New(Settings{Fetch: hang, Layers: Layers{{OAuth2: &OAuth2{TokenURL: "https://login.example.com/token",
			ClientID: "pipe", RefreshToken: signedIn(t, k)}}}})
		if err != nil {
			t.Fatal(err)
		}
		for limit, stopped := range map[time.Duration]bool{5*time.Second + refreshGrace: true, refreshTime: false} {
			ctx, cancel := context.WithCancel(t.Context())
			if stopped {
				time.AfterFunc(5*time.Second, cancel)
			}
			began := time.Now()
			_, err := l.Renew(ctx, nil)
			if took := time.Since(began); err == nil || took != limit || !stopped && fault.ClassOf(err) != fault.Transient {
				t.Errorf("%v after %v, want %v", err, took, limit)
			}
			cancel()
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
