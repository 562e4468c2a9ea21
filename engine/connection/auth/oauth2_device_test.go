package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// deviceProvider is an identity provider in memory. A test with it can have a clock of its own.
type deviceProvider struct {
	device http.HandlerFunc   // nil gives a code
	tokens []http.HandlerFunc // the answers of the token endpoint, the last one again and again
	asked  []time.Duration    // when the token endpoint was asked
	forms  []url.Values
	basics []string // the passwords
	began  time.Time
}

func (p *deviceProvider) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	_ = r.ParseForm()
	_, password, _ := r.BasicAuth()
	p.forms, p.basics = append(p.forms, r.PostForm), append(p.basics, password)
	switch r.URL.Path {
	case "/device":
		if p.device != nil {
			p.device(w, r)
			break
		}
		answerJSON(w, 200, codes(nil))
	case "/token":
		p.asked = append(p.asked, time.Since(p.began))
		next := p.tokens[0]
		if len(p.tokens) > 1 {
			p.tokens = p.tokens[1:]
		}
		next(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	if err := r.Context().Err(); err != nil { // an answer that comes too late
		return nil, err
	}
	return w.Result(), nil
}

// codes is an answer of the device authorization endpoint.
func codes(changes map[string]any) map[string]any {
	m := map[string]any{"device_code": "canary-device-code", "user_code": "WDJB-MJHT",
		"verification_uri":          "https://login.example.com/device",
		"verification_uri_complete": "https://login.example.com/device?user_code=WDJB-MJHT", "expires_in": 600, "interval": 5}
	for k, v := range changes {
		m[k] = v
	}
	return m
}

func refuses(code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, 400, map[string]any{"error": code, "error_description": "why it is so"})
	}
}

func gives(members map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		m := map[string]any{"access_token": "canary-access", "token_type": "Bearer", "refresh_token": "canary-refresh"}
		for k, v := range members {
			m[k] = v
		}
		answerJSON(w, 200, m)
	}
}

// signIn does a whole sign-in.
func (p *deviceProvider) signIn(ctx context.Context, o OAuth2, secrets *redact.Redactor) (*Device, SignedIn, error) {
	o.ClientID, o.TokenURL, o.DeviceURL = "pipe", "https://login.example.com/token", "https://login.example.com/device"
	p.began = time.Now()
	d, err := o.StartDevice(ctx, Settings{Fetch: p, Redactor: secrets})
	if err != nil {
		return nil, SignedIn{}, err
	}
	in, err := d.Wait(ctx)
	return d, in, err
}

// TestDevice: a sign-in asks at the interval, slower when it is told to, goes on when the
// provider does not answer, and sends what the file says.
func TestDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
		p := &deviceProvider{tokens: []http.HandlerFunc{refuses("authorization_pending"), refuses("slow_down"),
			refuses("authorization_pending"), down, gives(nil)}}
		secrets := &redact.Redactor{}
		d, in, err := p.signIn(t.Context(), OAuth2{Scope: "openid offline_access", Resource: "https://portal"}, secrets)
		if err != nil || in != (SignedIn{"canary-refresh", "https://login.example.com"}) {
			t.Fatal(in, err)
		}
		if d.Code != "WDJB-MJHT" || d.Address != "https://login.example.com/device" ||
			d.Complete != d.Address+"?user_code="+d.Code || d.Expires.Sub(p.began) != 10*time.Minute {
			t.Error(d.Code, d.Address, d.Complete, d.Expires)
		}
		if len(p.asked) != 5 || p.asked[0] != 5*time.Second || p.asked[2]-p.asked[1] != 10*time.Second {
			t.Error(p.asked)
		}
		for i, form := range p.forms {
			if form.Get("client_id") != "pipe" || form.Get("scope") != "openid offline_access" ||
				form.Get("resource") != "https://portal" || form.Has("client_secret") || p.basics[i] != "" ||
				(form.Get("prompt") == "consent") != (i == 0) {
				t.Errorf("request %d: %v %q", i, form, p.basics[i])
			}
		}
		for _, secret := range []string{"canary-device-code", "canary-access", "canary-refresh"} {
			if secrets.Clean(secret) == secret {
				t.Errorf("the redactor does not know %s", secret)
			}
		}
	})
}

// TestDeviceClient: a client with a secret proves itself to both endpoints.
func TestDeviceClient(t *testing.T) {
	for _, how := range []string{"basic", "post"} {
		synctest.Test(t, func(t *testing.T) {
			p := &deviceProvider{tokens: []http.HandlerFunc{gives(nil)}}
			o := OAuth2{ClientSecret: config.NewSecret("canary of+it"), ClientAuth: how}
			if _, _, err := p.signIn(t.Context(), o, nil); err != nil {
				t.Fatal(err)
			}
			for i, form := range p.forms {
				inBody, inHeader := form.Get("client_secret") == "canary of+it", p.basics[i] == "canary+of%2Bit"
				if inBody != (how == "post") || inHeader != (how == "basic") {
					t.Errorf("%s, request %d: %v %q", how, i, form, p.basics[i])
				}
			}
		})
	}
}

// TestDeviceFails: each way in which no one signs in says so, with what to do.
func TestDeviceFails(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>canary</html>")
	}
	answers := func(changes map[string]any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, codes(changes)) }
	}
	for name, tc := range map[string]struct {
		device, token  http.HandlerFunc
		says, remedies string
		after          time.Duration // at the latest
	}{
		"refused": {nil, refuses("access_denied"), "the sign-in was refused at login.example.com", "pipe login FILE", 0},
		"expired": {nil, refuses("expired_token"), "the code has expired", "pipe login FILE", 0},
		"nobody":  {nil, refuses("authorization_pending"), "the code has expired", "pipe login FILE", 10 * time.Minute},
		"no end": {answers(map[string]any{"expires_in": 0}), refuses("authorization_pending"), "the code has expired", "",
			longestSignIn},
		"a late end": {answers(map[string]any{"expires_in": 1000000}), refuses("authorization_pending"),
			"the code has expired", "", longestSignIn},
		"always down": {nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "the code has expired", "",
			10 * time.Minute},
		"no refresh token": {nil, gives(map[string]any{"refresh_token": ""}), "gives no refresh token", "offline_access", 0},
		"not allowed": {refuses("unauthorized_client"), nil, "device authorization endpoint of login.example.com " +
			"answered 400 unauthorized_client", "grant urn:ietf:params:oauth:grant-type:device_code", 0},
		"wrong client":       {refuses("invalid_client"), nil, "answered 400 invalid_client", "client_id", 0},
		"wrong scope":        {refuses("invalid_scope"), nil, "answered 400 invalid_scope", "check scope", 0},
		"a page":             {page, nil, "gives no code: its answer is an HTML page", "device_authorization_url", 0},
		"a page for a token": {nil, page, "gives no token: its answer is an HTML page", "token_url", 0},
		"no code": {answers(map[string]any{"user_code": ""}), nil, "is not that of a device authorization endpoint", "",
			0},
		"a strange code": {answers(map[string]any{"user_code": "A\x1b[2JB"}), nil, "cannot be shown", "", 0},
		"a long code":    {answers(map[string]any{"user_code": strings.Repeat("A", 65)}), nil, "cannot be shown", "", 0},
		"a plain address": {answers(map[string]any{"verification_uri": "http://login.example.com/x"}), nil,
			"starts with http", "", 0},
		"no address": {answers(map[string]any{"verification_uri": "javascript:x"}), nil, "not an address", "", 0},
		"elsewhere": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://evil.example.com")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, nil, "with a redirect", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &deviceProvider{device: tc.device, tokens: []http.HandlerFunc{tc.token}}
				_, in, err := p.signIn(t.Context(), OAuth2{}, nil)
				if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(fault.RemedyOf(err), tc.remedies) {
					t.Fatalf("%v\n%v\n%s", in, err, fault.RemedyOf(err))
				}
				if took := time.Since(p.began); took > max(tc.after, 5*time.Second) {
					t.Errorf("it took %v", took)
				}
				if strings.Contains(err.Error(), "canary") || strings.ContainsRune(err.Error(), 0x1b) {
					t.Errorf("shows what it may not: %v", err)
				}
			})
		})
	}
}

// TestDeviceStops: a sign-in ends with its context, while it waits and while a request is under
// way, and no request takes for ever.
func TestDeviceStops(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, p := range map[string]*deviceProvider{
		"while it waits":       {tokens: []http.HandlerFunc{refuses("authorization_pending")}},
		"in a request":         {tokens: []http.HandlerFunc{hang}},
		"in the first request": {device: hang},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(7*time.Second, cancel)
				_, _, err := p.signIn(ctx, OAuth2{}, nil)
				if took := time.Since(p.began); !errors.Is(err, context.Canceled) || took != 7*time.Second {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := &deviceProvider{tokens: []http.HandlerFunc{hang, gives(nil)}}
		if _, _, err := p.signIn(t.Context(), OAuth2{}, nil); err != nil || time.Since(p.began) > time.Minute {
			t.Error(err, time.Since(p.began))
		}
		p = &deviceProvider{device: hang}
		if _, _, err := p.signIn(t.Context(), OAuth2{}, nil); fault.ClassOf(err) != fault.Transient {
			t.Error(err)
		}
	})
}

// TestDeviceEndpoints: the metadata of an issuer names both endpoints, and neither may be
// one without encryption, nor one that the client's secret is not stored for.
func TestDeviceEndpoints(t *testing.T) {
	for name, tc := range map[string]struct {
		device any
		says   string
	}{
		"none":      {nil, "has no device authorization endpoint"},
		"plain":     {"http://login.example.com/device", "starts with http"},
		"metadata":  {"http://169.254.169.254/device", "link-local"},
		"elsewhere": {"https://evil.example.com/device", "may only be sent to"},
	} {
		p := newIDP(t)
		p.meta = map[string]any{"device_authorization_endpoint": tc.device}
		o := &OAuth2{Issuer: p.URL, ClientID: "pipe", ClientSecret: storedFor(t, p.URL)}
		_, err := o.StartDevice(t.Context(), Settings{Fetch: http.DefaultTransport})
		if err == nil || !strings.Contains(err.Error(), tc.says) || len(p.forms) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// storedFor is a secret of a store that may be sent to one origin.
func storedFor(t *testing.T, origin string) config.Secret {
	t.Helper()
	var v struct {
		Secret config.Secret `yaml:"secret"`
	}
	doc, _ := config.Parse("p.yaml", []byte("secret: ${secret:client}\n"))
	vars := &config.Variables{Secret: func(context.Context, string, bool) (config.SecretText, error) {
		return config.SecretText{Text: "canary", Origins: []string{origin}}, nil
	}}
	if problems := config.Decode(doc.Root(), &v, vars); problems.HasErrors() {
		t.Fatal(problems)
	}
	return v.Secret
}
