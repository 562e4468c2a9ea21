// Package openidtest runs an OpenID provider on loopback for tests. It signs real tokens, checks
// PKCE, the client and the redirect address as providers do, and has switches for faults.
package openidtest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Provider is an OpenID provider with one client. Each sign-in succeeds at once, as that of
// the person in Claims. Its fields may be changed between requests, under Lock.
type Provider struct {
	sync.Mutex
	URL              string
	ClientID, Secret string
	Redirect         string // the registered address; "" accepts any
	// Claims are those of the person: in the ID token, or only at the user info endpoint.
	Claims   map[string]any
	UserInfo map[string]any
	// Change changes the claims of an ID token before it is signed; nil changes nothing.
	Change func(claims map[string]any)
	// Sign returns the ID token with these claims; nil means SignRS256.
	Sign func(p *Provider, claims map[string]any) string
	// Metadata changes what the provider says of itself; nil changes nothing.
	Metadata func(m map[string]any)
	// Refuse is the error with which sign-ins are refused; "" refuses none.
	Refuse string
	// Down are the paths that answer 503.
	Down map[string]bool
	// Requests are the paths that were asked for.
	Requests []string

	server *httptest.Server
	key    *rsa.PrivateKey
	keyID  string
	codes  map[string]issued
	now    func() time.Time
}

// issued is a code that was given to a browser.
type issued struct{ challenge, nonce, redirect string }

var firstKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// Start starts a provider on a free port until the test ends. host is the name of this machine
// in its address, such as localhost. Its person is ann@example.com.
func Start(t testing.TB, host string) *Provider {
	t.Helper()
	p := &Provider{ClientID: "pipe", Secret: "secret of pipe/+ %", key: firstKey(), keyID: "first",
		Claims: map[string]any{"sub": "ann-1", "email": "ann@example.com", "email_verified": true},
		codes:  map[string]issued{}, now: time.Now}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	u, err := url.Parse(p.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p.URL = "http://" + host + ":" + u.Port()
	return p
}

// Set changes the provider between requests.
func (p *Provider) Set(change func(p *Provider)) {
	p.Lock()
	defer p.Unlock()
	change(p)
}

// Asked returns how often a path was asked for.
func (p *Provider) Asked(path string) (n int) {
	p.Lock()
	defer p.Unlock()
	for _, one := range p.Requests {
		if one == path {
			n++
		}
	}
	return n
}

// Rotate replaces the key that signs tokens. It is called from Set.
func (p *Provider) Rotate(t testing.TB) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.key, p.keyID = key, "second"
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.Lock()
	defer p.Unlock()
	p.Requests = append(p.Requests, r.URL.Path)
	if p.Down[r.URL.Path] {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		m := map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize",
			"token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"code_challenge_methods_supported":      []string{"S256"},
			"id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256"}}
		if p.UserInfo != nil {
			m["userinfo_endpoint"] = p.URL + "/me"
		}
		if p.Metadata != nil {
			p.Metadata(m)
		}
		answer(w, http.StatusOK, m)
	case "/keys":
		public := p.key.PublicKey
		answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256",
			"kid": p.keyID, "n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes())}}})
	case "/authorize":
		p.authorize(w, r)
	case "/token":
		p.token(w, r)
	case "/me":
		if r.Header.Get("Authorization") != "Bearer access" {
			answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
			return
		}
		answer(w, http.StatusOK, p.UserInfo)
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	b, err := codec.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b)
}

// authorize is the page on which a person signs in: it sends the browser back at once.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redirect := q.Get("redirect_uri")
	if q.Get("client_id") != p.ClientID || p.Redirect != "" && redirect != p.Redirect {
		http.Error(w, "unknown client or redirect address "+redirect, http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.URL}}
	scope := " " + q.Get("scope") + " "
	switch {
	case p.Refuse != "":
		back.Set("error", p.Refuse)
		back.Set("error_description", "the person <b>said</b> no")
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" ||
		len(q.Get("code_challenge")) != 43 || q.Get("nonce") == "" || q.Get("state") == "" ||
		!strings.Contains(scope, " openid "):
		back.Set("error", "invalid_request")
	default:
		back.Set("code", p.issue(issued{q.Get("code_challenge"), q.Get("nonce"), redirect}))
	}
	http.Redirect(w, r, redirect+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) issue(i issued) string {
	code := rand.Text()
	p.codes[code] = i
	return code
}

// token takes a code, once, from the client that proves who it is.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	if id == "" {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != p.ClientID || secret != p.Secret {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	code := r.PostFormValue("code")
	found, known := p.codes[code]
	delete(p.codes, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if !known || r.PostFormValue("grant_type") != "authorization_code" ||
		found.redirect != r.PostFormValue("redirect_uri") ||
		subtle.ConstantTimeCompare([]byte(challenge), []byte(found.challenge)) != 1 {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "the code is wrong"})
		return
	}
	access := sha256.Sum256([]byte("access"))
	claims := map[string]any{"iss": p.URL, "aud": p.ClientID, "nonce": found.nonce, "iat": p.now().Unix(),
		"exp": p.now().Add(time.Hour).Unix(), "at_hash": base64.RawURLEncoding.EncodeToString(access[:16])}
	for name, value := range p.Claims {
		claims[name] = value
	}
	if p.Change != nil {
		p.Change(claims)
	}
	sign := p.Sign
	if sign == nil {
		sign = (*Provider).SignRS256
	}
	answer(w, http.StatusOK, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 3600,
		"id_token": sign(p, claims)})
}

// SignRS256 returns a token as a real provider signs it.
func (p *Provider) SignRS256(claims map[string]any) string {
	text := unsigned(map[string]any{"alg": "RS256", "kid": p.keyID}, claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// SignNone returns a token without a signature.
func (p *Provider) SignNone(claims map[string]any) string {
	return unsigned(map[string]any{"alg": "none"}, claims) + "."
}

// SignHS256 returns a token signed with the secret of the client, which this server has, too.
func (p *Provider) SignHS256(claims map[string]any) string {
	text := unsigned(map[string]any{"alg": "HS256", "kid": p.keyID}, claims)
	m := hmac.New(sha256.New, []byte(p.Secret))
	m.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// SignOther returns a token signed with a key that the provider does not publish.
func (p *Provider) SignOther(claims map[string]any) string {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return (&Provider{key: other, keyID: p.keyID}).SignRS256(claims)
}

func unsigned(header, claims map[string]any) string {
	out := make([]string, 2)
	for i, part := range []map[string]any{header, claims} {
		b, err := codec.Marshal(part)
		if err != nil {
			panic(err)
		}
		out[i] = base64.RawURLEncoding.EncodeToString(b)
	}
	return strings.Join(out, ".")
}
