package auth

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStatic: the headers of the schemes that send what the file says.
func TestStatic(t *testing.T) {
	layers, problems := decode(t, `auth:
- basic: {username: Aladdin, password: "${P}"}
- cloudflare_access: {client_id: x.access, client_secret: "${T}"}
- header: {name: x-key, value: "ApiKey ${T}"}
`)
	if len(problems) > 1 { // of the text that the file writes
		t.Fatal(problems)
	}
	layers[0].Basic.Password = config.NewSecret("open sesame")
	var s Settings
	s.Layers = layers
	l, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	if _, err := l.Authorize(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", // RFC 7617
		"Cf-Access-Client-Id": "x.access", "CF-Access-Client-Secret": "canary-T", "X-Key": "ApiKey canary-T"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestStaticFile: a secret of a file is read again when the file changes.
func TestStaticFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, "first\n")
	for name, text := range map[string]string{
		"bearer": "auth:\n- bearer: {token: '${file:" + path + "}'}\n",
		"basic":  "auth:\n- basic: {username: u, password: '${file:" + path + "}'}\n",
		"header": "auth:\n- header: {name: Authorization, value: '${file:" + path + "}'}\n",
	} {
		t.Run(name, func(t *testing.T) {
			write(t, path, "first\n")
			layers, problems := decode(t, text)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			l, err := New(Settings{Layers: layers})
			if err != nil {
				t.Fatal(err)
			}
			before, used, _ := authorized(t, l)
			write(t, path, "the second\n")
			after, _, _ := authorized(t, l)
			if before == after {
				t.Errorf("the file is not read again: %q", after)
			}
			if changed, err := l.Renew(t.Context(), used); !changed || err != nil {
				t.Error("a request with the first secret is not made again", changed, err)
			}
			write(t, path, "")
			if kept, _, err := authorized(t, l); kept != after || err != nil {
				t.Errorf("while the file is empty: %q, %v, want %q", kept, err, after)
			}
		})
	}
}

// TestSignedJWT: the token is that of Backstage's own documentation for static keys: HS256
// over the decoded secret, sub and exp.
func TestSignedJWT(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	layer := Layer{
		SignedJWT: &SignedJWT{Secret: config.NewSecret("a2V5IG9mIHRoZSBzZXJ2ZXI="), Subject: "backstage-server",
			Lifetime: config.Duration(time.Hour)},
	}
	l, err := New(Settings{Layers: Layers{layer}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	first, used, err := authorized(t, l)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(strings.TrimPrefix(first, "Bearer "), ".")
	head, body := object(t, parts[0]), object(t, parts[1])
	if _, has := body["aud"]; has || head["alg"] != "HS256" || body["sub"] != "backstage-server" ||
		number(body["exp"]) != 1_800_003_600 {
		t.Errorf("%v %v", head, body)
	}
	signature, _ := hs256([]byte("key of the server")).sign([]byte(parts[0] + "." + parts[1]))
	if encode(signature) != parts[2] {
		t.Error("the signature is wrong")
	}
	if changed, err := l.Renew(t.Context(), used); changed || err != nil {
		t.Error("a refused secret is sent again", changed, err)
	}
	now = now.Add(58 * time.Minute)
	if again, _, _ := authorized(t, l); again != first {
		t.Error("signed anew before it is time")
	}
	now = now.Add(90 * time.Second)
	if again, _, _ := authorized(t, l); again == first {
		t.Error("not signed anew a minute before it expires")
	}
}

// TestSignedJWTFile: another secret in the file signs the next token.
func TestSignedJWTFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, "Zmlyc3Q=")
	layers, problems := decode(
		t,
		"auth:\n- signed_jwt: {subject: s, issuer: i, audience: a, secret: '${file:"+path+"}'}\n",
	)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	now := time.Now()
	l, err := New(Settings{Layers: layers, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := authorized(t, l)
	body := object(t, strings.Split(first, ".")[1])
	if body["iss"] != "i" || body["aud"] != "a" {
		t.Errorf("%v", body)
	}
	write(t, path, "YW5vdGhlciBzZWNyZXQ")
	if again, _, err := authorized(t, l); again == first || err != nil {
		t.Errorf("not signed anew with the secret that changed: %v", err)
	}
}
