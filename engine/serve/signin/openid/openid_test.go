package openid_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve/signin/openid"
	"github.com/pipe-engine/pipe/engine/serve/signin/openid/openidtest"
)

const redirect = "http://127.0.0.1:7979/sign-in/callback"

// world is a provider and its client.
type world struct {
	t        *testing.T
	provider *openidtest.Provider
	settings openid.Settings
	client   *openid.Provider
	claims   []string
	now      time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, provider: openidtest.Start(t, "127.0.0.1"), now: time.Now(), claims: []string{"email"}}
	w.settings = openid.Settings{Issuer: w.provider.URL, ClientID: "pipe",
		Secret: func(context.Context) (string, error) { return w.provider.Secret, nil },
		Scopes: []string{"email"}, Transport: http.DefaultTransport,
		Now: func() time.Time { return w.now }}
	w.client = openid.New(w.settings)
	return w
}

func (w *world) begin() *openid.Attempt {
	w.t.Helper()
	a, err := w.client.Begin(w.t.Context(), redirect)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// authorize opens the address of an attempt, and returns the answer for the server.
func (w *world) authorize(a *openid.Attempt) url.Values {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), "GET", a.Address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil || !strings.HasPrefix(to.String(), redirect+"?") {
		w.t.Fatalf("the provider leads to %v: %v", to, err)
	}
	return to.Query()
}

func (w *world) signIn() (*openid.Person, error) {
	w.t.Helper()
	a := w.begin()
	return w.client.Finish(w.t.Context(), a, w.authorize(a), w.claims...)
}

// refusedFor is a test that an error is a refusal with a detail.
func refusedFor(t *testing.T, err error, want string) {
	t.Helper()
	var no *openid.RefusedError
	if !errors.As(err, &no) || !strings.Contains(no.Detail, want) || !strings.HasSuffix(no.Reason, ".") &&
		!strings.Contains(no.Reason, ": ") {
		t.Errorf("the error is %v, want a refusal with %q", err, want)
	}
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	who, err := w.signIn()
	if err != nil {
		t.Fatal(err)
	}
	if name, err := who.Name("email"); name != "ann@example.com" || err != nil || who.Subject != "ann-1" {
		t.Errorf("%q of %+v: %v", name, who, err)
	}
	if again, err := w.signIn(); err != nil || again.Subject != "ann-1" {
		t.Errorf("again: %v", err)
	}
	if n := w.provider.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the metadata was read %d times", n)
	}
	w.provider.Set(func(p *openidtest.Provider) { p.Rotate(t) })
	if _, err := w.signIn(); err != nil {
		t.Errorf("with another key: %v", err)
	}
	w.now = w.now.Add(25 * time.Hour)
	w.provider.Set(func(p *openidtest.Provider) { p.Down = map[string]bool{"/.well-known/openid-configuration": true} })
	w.begin() // the old metadata stays in use
	if n := w.provider.Asked("/.well-known/openid-configuration"); n != 2 {
		t.Errorf("after a day, the metadata was read %d times", n)
	}
}

// TestAnswers: what a browser may send in place of its own answer is refused.
func TestAnswers(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name   string
		change func(answer url.Values)
		want   string
	}{
		{"no state", func(v url.Values) { v.Del("state") }, "state of another sign-in"},
		{"another state", func(v url.Values) { v.Set("state", "x") }, "state of another sign-in"},
		{"the state of another attempt", func(v url.Values) { v.Set("state", w.authorize(w.begin()).Get("state")) },
			"state of another sign-in"},
		{"another issuer", func(v url.Values) { v.Set("iss", "https://evil.example") }, "issuer https://evil.example"},
		{"no code", func(v url.Values) { v.Del("code") }, "neither a code nor an error"},
		{"a guessed code", func(v url.Values) { v.Set("code", "x") }, "invalid_grant"},
		{"the code of another browser", func(v url.Values) { v.Set("code", w.authorize(w.begin()).Get("code")) },
			"invalid_grant"}, // by PKCE
		{"an error without the state", func(v url.Values) { v.Set("error", "x"); v.Del("state") }, "state of another"},
	} {
		a := w.begin()
		answer := w.authorize(a)
		tt.change(answer)
		_, err := w.client.Finish(t.Context(), a, answer)
		t.Run(tt.name, func(t *testing.T) { refusedFor(t, err, tt.want) })
	}
	a := w.begin()
	answer := w.authorize(a)
	if _, err := w.client.Finish(t.Context(), a, answer); err != nil {
		t.Fatal(err)
	}
	_, err := w.client.Finish(t.Context(), a, answer)
	refusedFor(t, err, "invalid_grant") // the provider takes a code once
	w.provider.Set(func(p *openidtest.Provider) { p.Refuse = "access_denied" })
	_, err = w.signIn()
	refusedFor(t, err, "access_denied: the person <b>said</b> no")
}

// TestTokens: an ID token is believed only when it was signed by this provider, for this client
// and for this sign-in.
func TestTokens(t *testing.T) {
	type fault struct {
		name   string
		change func(claims map[string]any)
		sign   func(p *openidtest.Provider, claims map[string]any) string
		want   string
	}
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) { claims[name] = value }
	}
	var first string
	w := newWorld(t)
	for _, tt := range []fault{
		{"another audience", set("aud", "other"), nil, "expected audience"},
		{"another audience, too", set("aud", []string{"pipe", "other"}), nil, "was issued to the client"},
		{"for another client", set("azp", "other"), nil, "was issued to the client other"},
		{"another issuer", set("iss", "https://evil.example"), nil, "issued by a different provider"},
		{"no nonce", set("nonce", nil), nil, "another nonce"},
		{"an empty nonce", set("nonce", ""), nil, "another nonce"},
		{"another nonce", set("nonce", "x"), nil, "another nonce"},
		{"expired", set("exp", time.Now().Add(-time.Minute).Unix()), nil, "expired"},
		{"no expiry", func(c map[string]any) { delete(c, "exp") }, nil, "expired"},
		{"not valid yet", set("nbf", time.Now().Add(time.Hour).Unix()), nil, "not before"},
		{"no subject", set("sub", ""), nil, "no subject"},
		{"another access token", set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), nil, "access token"},
		{"no signature", nil, (*openidtest.Provider).SignNone, "unexpected signature algorithm"},
		{"signed with the secret of the client", nil, (*openidtest.Provider).SignHS256, "unexpected signature algorithm"},
		{"signed with another key", nil, (*openidtest.Provider).SignOther, "not valid"},
		{"the token of an earlier sign-in", nil, func(p *openidtest.Provider, claims map[string]any) string {
			if first == "" {
				first = p.SignRS256(maps.Clone(claims))
			}
			return first
		}, "another nonce"},
		{"no token", nil, func(*openidtest.Provider, map[string]any) string { return "" }, "no ID token"},
		{"a name twice", nil, func(p *openidtest.Provider, claims map[string]any) string {
			claims["email\": \"bob@example.com\", \"email"] = "x" // written as it is, it would be two members
			return p.SignRS256(claims)
		}, ""},
	} {
		w.provider.Set(func(p *openidtest.Provider) { p.Change, p.Sign = tt.change, tt.sign })
		if strings.HasPrefix(tt.name, "the token of an earlier") {
			if _, err := w.signIn(); err != nil {
				t.Fatal(err)
			}
		}
		who, err := w.signIn()
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "" {
				if name, nameErr := who.Name("email"); err != nil || nameErr != nil || name != "ann@example.com" {
					t.Errorf("%q, %v, %v", name, err, nameErr)
				}
				return
			}
			refusedFor(t, err, tt.want)
		})
	}
	w.provider.Set(func(p *openidtest.Provider) {
		p.Sign, p.Change = nil, func(c map[string]any) { c["aud"], c["azp"] = []string{"other", "pipe"}, "pipe" }
	})
	if _, err := w.signIn(); err != nil {
		t.Errorf("two audiences, and issued to this client: %v", err)
	}
}

// TestClaims: names and groups come from the ID token, and what is missing there from the user
// info endpoint.
func TestClaims(t *testing.T) {
	for _, tt := range []struct {
		name         string
		claim        string
		claims, info map[string]any
		want, refuse string
	}{
		{"in the token", "email", map[string]any{"email": "a@x.example", "email_verified": true}, nil, "a@x.example", ""},
		{"verified, as text", "email", map[string]any{"email": "a@x.example", "email_verified": "true"}, nil,
			"a@x.example", ""},
		{"not verified", "email", map[string]any{"email": "a@x.example", "email_verified": false}, nil, "", "not verified"},
		{"not verified, as text", "email", map[string]any{"email": "a@x.example", "email_verified": "false"}, nil, "",
			"not verified"},
		{"nothing said", "email", map[string]any{"email": "a@x.example"}, nil, "", "not verified"},
		{"nowhere", "email", nil, nil, "", "no text as claim email"},
		{"at the user info", "email", nil,
			map[string]any{"sub": "s", "email": "a@x.example", "email_verified": true}, "a@x.example", ""},
		{"verified in the token, address elsewhere", "email", map[string]any{"email_verified": true},
			map[string]any{"sub": "s", "email": "a@x.example", "email_verified": false}, "", "not verified"},
		{"address in the token, verified elsewhere", "email", map[string]any{"email": "a@x.example"},
			map[string]any{"sub": "s", "email": "b@x.example", "email_verified": true, "groups": []any{}}, "", "not verified"},
		{"user info of another person", "email", nil,
			map[string]any{"sub": "other", "email": "a@x.example", "email_verified": true}, "", "another subject"},
		{"the subject", "sub", nil, nil, "s", ""},
		{"a number", "employee", map[string]any{"employee": 7}, nil, "", "no text"},
		{"a list", "employee", map[string]any{"employee": []any{"a"}}, nil, "", "no text"},
		{"two lines", "employee", map[string]any{"employee": "a\nb"}, nil, "", "cannot be shown"},
		{"reversed", "employee", map[string]any{"employee": "a\u202eb"}, nil, "", "cannot be shown"},
		{"space around", "employee", map[string]any{"employee": " a"}, nil, "", "cannot be shown"},
		{"long", "employee", map[string]any{"employee": strings.Repeat("a", 300)}, nil, "", "cannot be shown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.claims = []string{tt.claim, "groups"}
			w.provider.Set(func(p *openidtest.Provider) {
				p.Claims, p.UserInfo = map[string]any{"sub": "s"}, tt.info
				maps.Copy(p.Claims, tt.claims)
			})
			who, err := w.signIn()
			name := ""
			if err == nil {
				name, err = who.Name(tt.claim)
			}
			if tt.refuse != "" {
				refusedFor(t, err, tt.refuse)
			} else if err != nil || name != tt.want {
				t.Errorf("%q, %v", name, err)
			}
		})
	}
	for _, tt := range []struct {
		value any
		want  string
	}{{[]any{"a", "b", 3}, "a b"}, {"a b", "a b"}, {nil, ""}, {map[string]any{"a": "b"}, ""}} {
		who := openid.Person{Claims: map[string]any{"groups": tt.value}}
		if got := strings.Join(who.Groups("groups"), " "); got != tt.want {
			t.Errorf("%v are the groups %q", tt.value, got)
		}
	}
}

// TestProviderFails: a provider that cannot be used is a fault with a remedy, and is asked again
// after a pause.
func TestProviderFails(t *testing.T) {
	failed := func(t *testing.T, err error, class fault.Class, want string) {
		t.Helper()
		if err == nil || errors.As(err, new(*openid.RefusedError)) || fault.ClassOf(err) != class ||
			!strings.Contains(err.Error(), want) || fault.RemedyOf(err) == "" {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
	w := newWorld(t)
	down := func(path string) func(p *openidtest.Provider) {
		return func(p *openidtest.Provider) { p.Down = map[string]bool{path: true} }
	}
	w.provider.Set(down("/.well-known/openid-configuration"))
	failed(t, w.client.Check(t.Context()), fault.Transient, "answered 503")
	w.provider.Set(down(""))
	failed(t, w.client.Check(t.Context()), fault.Transient, "answered 503") // not asked again yet
	w.now = w.now.Add(6 * time.Second)
	if err := w.client.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/keys", "/token"} { // the keys are read when the first token is verified
		w.provider.Set(down(path))
		_, err := w.signIn()
		failed(t, err, fault.Transient, "answered 503")
	}
	w.provider.Set(func(p *openidtest.Provider) {
		down("/me")(p)
		p.UserInfo = map[string]any{}
		delete(p.Claims, "email")
	})
	w.client = openid.New(w.settings)
	_, err := w.signIn()
	failed(t, err, fault.Transient, "answered 503")
	w.provider.Set(func(p *openidtest.Provider) { down("")(p); p.Secret = "another" })
	w.settings.Secret = func(context.Context) (string, error) { return "old", nil }
	w.client = openid.New(w.settings)
	_, err = w.signIn()
	failed(t, err, fault.Fatal, "invalid_client")
	for name, change := range map[string]func(m map[string]any){
		"says that its issuer is":       func(m map[string]any) { m["issuer"] = "https://evil.example" },
		"token_endpoint that":           func(m map[string]any) { m["token_endpoint"] = "http://evil.example/token" },
		"jwks_uri that":                 func(m map[string]any) { delete(m, "jwks_uri") },
		"authorization_endpoint":        func(m map[string]any) { m["authorization_endpoint"] = "https://a:b@idp.example" },
		"userinfo_endpoint that":        func(m map[string]any) { m["userinfo_endpoint"] = "ftp://login.example" },
		"not support PKCE":              func(m map[string]any) { m["code_challenge_methods_supported"] = []string{"plain"} },
		"metadata of ":                  func(m map[string]any) { m["jwks_uri"] = 7 },
		"metadata of " + w.provider.URL: func(m map[string]any) { m["more"] = strings.Repeat("x", 2<<20) },
	} {
		w.provider.Set(func(p *openidtest.Provider) { p.Metadata = change })
		failed(t, openid.New(w.settings).Check(t.Context()), fault.Fatal, name)
	}
	w.settings.Issuer = w.provider.URL + "/elsewhere"
	failed(t, openid.New(w.settings).Check(t.Context()), fault.Fatal, "404")
}
