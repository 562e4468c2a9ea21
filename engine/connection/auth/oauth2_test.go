package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// idp is a small identity provider. It gives tokens with a number in them.
type idp struct {
	*httptest.Server
	tokens  atomic.Int32
	lives   int              // seconds of a token, 0 says nothing
	spoil   http.HandlerFunc // answers in place of the token endpoint
	forms   chan url.Values  // what was asked
	basics  chan [2]string   // the user and password of it
	meta    map[string]any   // overrides the metadata
	release chan struct{}    // when it is set, an answer waits for it
	now     func() time.Time // of Settings
	secrets *redact.Redactor // of Settings
}

func newIDP(t *testing.T) *idp {
	t.Helper()
	p := &idp{lives: 300, forms: make(chan url.Values, 100), basics: make(chan [2]string, 100), now: time.Now,
		secrets: &redact.Redactor{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		m := map[string]any{"issuer": p.URL, "token_endpoint": p.URL + "/token"}
		for k, v := range p.meta {
			m[k] = v
		}
		answerJSON(w, 200, m)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		user, password, _ := r.BasicAuth()
		p.forms <- r.PostForm
		p.basics <- [2]string{user, password}
		if p.release != nil {
			<-p.release
		}
		if p.spoil != nil {
			p.spoil(w, r)
			return
		}
		m := map[string]any{"access_token": fmt.Sprintf("token-number-%d", p.tokens.Add(1)), "token_type": "Bearer"}
		if p.lives > 0 {
			m["expires_in"] = p.lives
		}
		answerJSON(w, 200, m)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	b, _ := codec.Marshal(v)
	_, _ = w.Write(b)
}

// list makes the layers of an oauth2 block.
func (p *idp) list(t *testing.T, o OAuth2) *List {
	t.Helper()
	if o.ClientID == "" {
		o.ClientID = "pipe"
	}
	if o.Issuer == "" && o.TokenURL == "" {
		o.Issuer = p.URL
	}
	if o.Header == "" {
		o.Header = authorization
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	l, err := New(Settings{Layers: Layers{{OAuth2: &o}}, Fetch: transport, Now: func() time.Time { return p.now() },
		Redactor: p.secrets})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// authorized is what a request carries.
func authorized(t *testing.T, l *List) (string, Used, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/x", nil).WithContext(t.Context())
	used, err := l.Authorize(r.Context(), r, nil)
	return r.Header.Get(authorization), used, err
}

const clientSecret = "canary-of-the-client/+ %"

func TestOAuth2(t *testing.T) {
	assertion := filepath.Join(t.TempDir(), "projected")
	write(t, assertion, "first-assertion\n")
	for name, tc := range map[string]struct {
		o    OAuth2
		form map[string]string
		user string
	}{
		"basic": {OAuth2{ClientSecret: config.NewSecret(clientSecret)}, map[string]string{"grant_type": "client_credentials",
			"client_secret": ""}, "pipe"},
		"post": {OAuth2{ClientSecret: config.NewSecret(clientSecret), ClientAuth: "post"},
			map[string]string{"client_secret": clientSecret, "client_id": "pipe"}, ""},
		"parameters": {OAuth2{ClientSecret: config.NewSecret(clientSecret), Scope: "a  b", Audience: "api",
			Resource: "urn:x"},
			map[string]string{"scope": "a b", "audience": "api", "resource": "urn:x"}, "pipe"},
		"assertion": {OAuth2{AssertionFile: assertion}, map[string]string{"client_assertion": "first-assertion",
			"client_id": "pipe", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			got, _, err := authorized(t, p.list(t, tc.o))
			if err != nil || got != "Bearer token-number-1" {
				t.Fatalf("%q, %v", got, err)
			}
			form, basic := <-p.forms, <-p.basics
			for key, want := range tc.form {
				if form.Get(key) != want {
					t.Errorf("%s is %q, want %q", key, form.Get(key), want)
				}
			}
			if basic[0] != tc.user {
				t.Errorf("basic is of %q, want %q", basic[0], tc.user)
			}
			if secret, _ := url.QueryUnescape(basic[1]); tc.user != "" && secret != clientSecret {
				t.Errorf("the secret arrives as %q", basic[1])
			}
			if p.secrets.Clean("it is token-number-1!") != "it is [redacted]!" {
				t.Error("the redactor does not know the token")
			}
		})
	}
}

// TestOAuth2AssertionIsReadAgain: a projected token is read for each token.
func TestOAuth2AssertionIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "projected")
	write(t, path, "first-assertion")
	p := newIDP(t)
	l := p.list(t, OAuth2{AssertionFile: path})
	_, used, err := authorized(t, l)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "later-assertion")
	if changed, err := l.Renew(t.Context(), used); !changed || err != nil {
		t.Fatal(changed, err)
	}
	if a, b := (<-p.forms).Get("client_assertion"), (<-p.forms).Get("client_assertion"); a != "first-assertion" ||
		b != "later-assertion" {
		t.Errorf("%q, %q", a, b)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = l.Renew(t.Context(), nil)
	if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "client_assertion_file: ") ||
		!strings.Contains(fault.RemedyOf(err), "mounted") {
		t.Errorf("%v (%s)", err, fault.RemedyOf(err))
	}
}

// TestOAuth2AssertionIsSecret: an endpoint that repeats the assertion gives nothing away.
func TestOAuth2AssertionIsSecret(t *testing.T) {
	const assertion = "canary-of-the-service-account"
	path := filepath.Join(t.TempDir(), "projected")
	write(t, path, assertion)
	for _, o := range []OAuth2{{AssertionFile: path}, {PrivateKey: config.NewSecret(ecPEM(t))}} {
		p := newIDP(t)
		sent := ""
		p.spoil = func(w http.ResponseWriter, r *http.Request) {
			sent = r.PostForm.Get("client_assertion")
			answerJSON(w, 401, map[string]any{"error": "invalid_client", "error_description": "not " + sent})
		}
		_, _, err := authorized(t, p.list(t, o))
		if text := p.secrets.Clean(err.Error()); sent == "" || strings.Contains(text, sent[:20]) {
			t.Errorf("%s shows in %s", sent, text)
		}
	}
}

// TestOAuth2PrivateKey: the assertion carries the claims of RFC 7523 and a signature that
// the public key verifies.
func TestOAuth2PrivateKey(t *testing.T) {
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	keys := map[string]any{"RS256": rsaKey, "EdDSA": edKey}
	for name, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(),
		"ES512": elliptic.P521()} {
		keys[name], _ = ecdsa.GenerateKey(curve, rand.Reader)
	}
	for algorithm, key := range keys {
		t.Run(algorithm, func(t *testing.T) {
			der, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			p := newIDP(t)
			l := p.list(t, OAuth2{PrivateKeyID: "key-1", PrivateKey: config.NewSecret(string(pem.EncodeToMemory(
				&pem.Block{Type: "PRIVATE KEY", Bytes: der})))})
			if _, _, err := authorized(t, l); err != nil {
				t.Fatal(err)
			}
			parts := strings.Split((<-p.forms).Get("client_assertion"), ".")
			head, body := object(t, parts[0]), object(t, parts[1])
			if head["alg"] != algorithm || head["kid"] != "key-1" {
				t.Errorf("%v", head)
			}
			life := number(body["exp"]) - number(body["iat"])
			if body["iss"] != "pipe" || body["sub"] != "pipe" || body["aud"] != p.URL+"/token" || body["jti"] == "" ||
				life != 60 {
				t.Errorf("%v", body)
			}
			signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
			if !verifies(key, []byte(parts[0]+"."+parts[1]), signature) {
				t.Error("the signature is wrong")
			}
		})
	}
}

func object(t *testing.T, part string) map[string]any {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	v, err := codec.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func number(v any) int64 {
	var n int64
	_, _ = fmt.Sscan(fmt.Sprint(v), &n)
	if f, ok := v.(float64); ok {
		n = int64(f)
	}
	return n
}

func verifies(key any, text, signature []byte) bool {
	sum := sha256.Sum256(text)
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) == nil
	case ed25519.PrivateKey:
		return ed25519.Verify(key.Public().(ed25519.PublicKey), text, signature)
	case *ecdsa.PrivateKey:
		digest := sum[:]
		switch key.Curve {
		case elliptic.P384():
			s := sha512.Sum384(text)
			digest = s[:]
		case elliptic.P521():
			s := sha512.Sum512(text)
			digest = s[:]
		}
		r, s := new(big.Int).SetBytes(signature[:len(signature)/2]), new(big.Int).SetBytes(signature[len(signature)/2:])
		return ecdsa.Verify(&key.PublicKey, digest, r, s)
	}
	return false
}

// TestOAuth2Once: requests at one time share one token.
func TestOAuth2Once(t *testing.T) {
	p := newIDP(t)
	p.release = make(chan struct{})
	l := p.list(t, OAuth2{ClientSecret: config.NewSecret(clientSecret)})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got, _, err := authorized(t, l); err != nil || got != "Bearer token-number-1" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	close(p.release)
	all.Wait()
	if n := p.tokens.Load(); n != 1 {
		t.Errorf("%d tokens were asked for", n)
	}
	// A refused token is replaced once, however many requests it was refused to.
	for range 20 {
		all.Go(func() {
			if changed, err := l.Renew(t.Context(), Used{1}); !changed || err != nil {
				t.Error(changed, err)
			}
		})
	}
	all.Wait()
	if n := p.tokens.Load(); n != 2 {
		t.Errorf("%d tokens were asked for", n)
	}
}

// TestOAuth2Renewal: a token is replaced a minute before it expires, and used to its end
// when that fails.
func TestOAuth2Renewal(t *testing.T) {
	p := newIDP(t)
	start := time.Now()
	var passed atomic.Int64
	p.now = func() time.Time { return start.Add(time.Duration(passed.Load()) * time.Second) }
	l := p.list(t, OAuth2{ClientSecret: config.NewSecret(clientSecret)})
	at := func(seconds int64, want string) {
		t.Helper()
		passed.Store(seconds)
		if got, _, err := authorized(t, l); got != want || (err != nil) != (want == "") {
			t.Errorf("after %d s: %q, %v, want %q", seconds, got, err, want)
		}
	}
	at(0, "Bearer token-number-1")
	at(239, "Bearer token-number-1")
	at(241, "Bearer token-number-2")
	p.spoil = func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 503, map[string]any{}) }
	at(241+250, "Bearer token-number-2")
	at(241+301, "")
	p.spoil, p.lives = nil, 60
	at(1000, "Bearer token-number-3")
	at(1029, "Bearer token-number-3")
	at(1031, "Bearer token-number-4")
	p.lives = 0
	at(2000, "Bearer token-number-5")
	at(200000, "Bearer token-number-5")
}

// TestOAuth2Faults: what each answer of the token endpoint means.
func TestOAuth2Faults(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the secret was sent to another address")
	}))
	t.Cleanup(elsewhere.Close)
	jsonError := func(status int, code, text string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			answerJSON(w, status, map[string]any{"error": code, "error_description": text})
		}
	}
	page := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			fmt.Fprint(w, "<html><title>Sign in</title>"+clientSecret)
		}
	}
	behind := time.Now().Add(17 * time.Minute).UTC().Format(http.TimeFormat)
	for name, tc := range map[string]struct {
		spoil        http.HandlerFunc
		meta         map[string]any
		o            OAuth2
		class        fault.Class
		says, remedy string
		delay        time.Duration
	}{
		"invalid client": {spoil: jsonError(401, "invalid_client", "wrong "+clientSecret), class: fault.Fatal,
			says: "answered 401 invalid_client: wrong ", remedy: "client_auth"},
		"wrong audience": {spoil: jsonError(400, "invalid_target", "x"), class: fault.Fatal, says: "invalid_target",
			remedy: "check audience and resource"},
		"wrong scope": {spoil: jsonError(400, "invalid_scope", "x"), class: fault.Fatal, says: "invalid_scope",
			remedy: "check scope"},
		"no such grant": {spoil: jsonError(400, "unauthorized_client", "x"), class: fault.Fatal,
			remedy: "client_credentials"},
		"other code": {spoil: jsonError(400, "odd", "x"), class: fault.Fatal, says: "400 odd: x",
			remedy: "settings of oauth2"},
		"throttled": {spoil: jsonError(429, "slow_down", "x", "Retry-After", "7"), class: fault.Throttled, says: "429",
			delay: 7 * time.Second},
		"down":        {spoil: jsonError(502, "", ""), class: fault.Transient, says: "answered 502"},
		"maintenance": {spoil: jsonError(503, "", "", "Retry-After", "9"), class: fault.Throttled, delay: 9 * time.Second},
		"a page": {spoil: page(200), class: fault.Fatal, says: "gives no token: its answer is an HTML page",
			remedy: "check token_url"},
		"a page, 403": {spoil: page(403), class: fault.Fatal, says: "answered 403 with an HTML page",
			remedy: "check token_url"},
		"a redirect": {spoil: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/login", http.StatusTemporaryRedirect)
		}, class: fault.Fatal, says: "answered 307 with a redirect", remedy: "check token_url"},
		"no token": {spoil: func(w http.ResponseWriter, _ *http.Request) {
			answerJSON(w, 200, map[string]any{"token": clientSecret})
		}, class: fault.Fatal, says: "JSON without access_token", remedy: "check token_url"},
		"another type": {spoil: func(w http.ResponseWriter, _ *http.Request) {
			answerJSON(w, 200, map[string]any{"access_token": "x", "token_type": "mac"})
		}, class: fault.Fatal, says: `the type "mac"`, remedy: "bearer"},
		"another issuer": {meta: map[string]any{"issuer": "https://other.example.com"}, class: fault.Fatal,
			says: "says that its issuer is https://other.example.com", remedy: "write issuer"},
		"endpoint without encryption": {meta: map[string]any{"token_endpoint": "http://login.example.com/t"},
			class: fault.Fatal,
			says:  "the token endpoint that ", remedy: "https://"},
		"endpoint of a metadata server": {meta: map[string]any{"token_endpoint": "http://169.254.169.254/t"},
			class: fault.Fatal,
			says:  "link-local"},
		"no metadata": {meta: map[string]any{"token_endpoint": ""}, class: fault.Fatal, says: "is not the metadata",
			remedy: "token_url"},
		"no issuer": {o: OAuth2{Issuer: elsewhere404(t)}, class: fault.Fatal, says: "answered 404 where the metadata",
			remedy: "check issuer"},
		"a clock that is off": {o: OAuth2{PrivateKey: config.NewSecret(ecPEM(t))}, class: fault.Fatal,
			spoil: jsonError(401, "invalid_client", "expired", "Date", behind),
			says:  "expired; this machine's clock is 17m behind the server's", remedy: "trusts the issuer or key"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			p.spoil, p.meta = tc.spoil, tc.meta
			if tc.o.proofs() == 0 {
				tc.o.ClientSecret = config.NewSecret(clientSecret)
			}
			_, _, err := authorized(t, p.list(t, tc.o))
			if err == nil || fault.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.says) ||
				!strings.Contains(fault.RemedyOf(err), tc.remedy) {
				t.Fatalf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
			if f := err.(*fault.Error); f.Delay != tc.delay {
				t.Errorf("delay %v, want %v", f.Delay, tc.delay)
			}
			if text := p.secrets.Clean(err.Error()); strings.Contains(text, clientSecret) {
				t.Errorf("the secret shows: %s", text)
			}
		})
	}
}

func elsewhere404(t *testing.T) string {
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.URL
}

func ecPEM(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// TestOAuth2Ended: a request that is given up ends while a token is obtained.
func TestOAuth2Ended(t *testing.T) {
	p := newIDP(t)
	p.release = make(chan struct{})
	t.Cleanup(func() { close(p.release) })
	l := p.list(t, OAuth2{ClientSecret: config.NewSecret(clientSecret)})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-p.forms; cancel() }()
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	if _, err := l.Authorize(ctx, r, nil); err != context.Canceled {
		t.Errorf("%v", err)
	}
	if r.Header.Get(authorization) != "" {
		t.Error("a header was written")
	}
}
