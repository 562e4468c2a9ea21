package vault

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary is in every secret; no error may contain it.
const canary = "canary-71be20"

func settings(url string) Config {
	c := Config{URL: url, Mount: "secret", Config: connection.Default()}
	c.Retries.Within = config.Duration(5 * time.Second)
	return c
}

func (s *server) config(change func(*Config)) Config {
	c := settings(s.URL)
	if change == nil {
		c.Token = config.NewSecret("hvs.fixed-token")
	} else {
		change(&c)
	}
	return c
}

func open(t *testing.T, c Config) *Provider {
	t.Helper()
	p, err := New(c, connection.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.session != nil {
			p.session.Close()
		}
	})
	return p
}

func TestRead(t *testing.T) {
	s := newServer(t)
	p := open(t, s.config(nil))
	for key, want := range map[string]string{
		"pipe/backstage": canary, "pipe/backstage#token": canary, "pipe/two#b": canary + "b", "pipe/line": canary,
	} {
		if got, err := p.Get(t.Context(), key); err != nil || got != want {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
	for _, h := range s.headers {
		if h.Get("Authorization") != "" || h.Get(tokenHeader) != "hvs.fixed-token" {
			t.Errorf("%v", h)
		}
	}
}

// No error quotes a secret, a token or the answer, and each says what to do.
func TestReadFailures(t *testing.T) {
	for name, one := range map[string]struct {
		key, raw, want string
	}{
		"absent":           {key: "pipe/none", want: `the mount secret has no secret "pipe/none"`},
		"deleted":          {key: "pipe/gone", want: `has no secret "pipe/gone", or its latest version was deleted`},
		"denied":           {key: "pipe/closed", want: `the token may not read the secret "pipe/closed"`},
		"several fields":   {key: "pipe/two", want: `the secret "pipe/two" has 2 fields`},
		"no such field":    {key: "pipe/two#c", want: `has no field "c"`},
		"no text":          {key: "pipe/number", want: "is not a text"},
		"empty":            {key: "pipe/empty", want: "is empty"},
		"no path":          {key: "/pipe/x", want: "is not the path of a secret"},
		"a dot segment":    {key: "pipe/../../auth/token", want: "is not the path of a secret"},
		"nothing":          {key: "", want: "is not the path of a secret"},
		"a query":          {key: "pipe/none?version=1", want: `no secret "pipe/none?version=1"`},
		"no field":         {key: "pipe/two#", want: "is not the path of a secret"},
		"KV version 1":     {key: "pipe/x", raw: `{"data":{"token":"` + canary + `"}}`, want: "not a secret of a KV engine"},
		"an HTML page":     {key: "pipe/x", raw: "<!doctype html>" + canary, want: "to be JSON and is not"},
		"a cut response":   {key: "pipe/x", raw: `{"data":{"data":{"token":"` + canary + `"`, want: "its JSON is incomplete"},
		"a wrong response": {key: "pipe/x", raw: `["` + canary + `"]`, want: "not a secret of a KV engine"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.raw = one.raw
			c := s.config(nil)
			c.Retries.Attempts = 1
			got, err := open(t, c).Get(t.Context(), one.key)
			if err == nil || !strings.Contains(err.Error(), one.want) || got != "" {
				t.Fatalf("%q, %v", got, err)
			}
			text := err.Error() + fault.RemedyOf(err)
			if strings.Contains(text, canary) || strings.Contains(text, "hvs.") {
				t.Errorf("a secret is in %q", text)
			}
			if name != "a cut response" && fault.RemedyOf(err) == "" {
				t.Error("no remedy")
			}
		})
	}
}

func TestKubernetes(t *testing.T) {
	s := newServer(t)
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, s.jwt+"\n")
	p := open(t, s.config(func(c *Config) {
		c.Kubernetes = &Kubernetes{Role: "pipe", Mount: "kubernetes", TokenFile: path}
	}))
	for range 2 {
		if got, err := p.Get(t.Context(), "pipe/backstage"); err != nil || got != canary {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if s.logins != 1 {
		t.Errorf("%d logins", s.logins)
	}
	for i, h := range s.headers {
		if login := strings.Contains(s.requests[i], "/auth/"); login == (h.Get(tokenHeader) != "") {
			t.Errorf("%s with the token %q", s.requests[i], h.Get(tokenHeader))
		}
	}
	// the token of the service account is another one for the next login
	s.with(func() { s.jwt, s.tokens = "eyJ.another.account", map[string]bool{} })
	write(t, path, "eyJ.another.account")
	if got, err := p.Get(t.Context(), "pipe/backstage"); err != nil || got != canary || s.logins != 2 {
		t.Errorf("%q, %v, %d logins", got, err, s.logins)
	}
}

func TestAppRole(t *testing.T) {
	s := newServer(t)
	s.prefix, s.lease = "admin/team/", 100
	p := open(t, s.config(func(c *Config) {
		c.Namespace = "admin/team"
		c.AppRole = &AppRole{RoleID: "pipe", SecretID: config.NewSecret("the-secret-id"), Mount: "approle"}
	}))
	now := time.Now()
	p.now = func() time.Time { return now }
	for _, after := range []time.Duration{0, 49 * time.Second} {
		now = now.Add(after)
		if got, err := p.Get(t.Context(), "pipe/backstage"); err != nil || got != canary || s.logins != 1 {
			t.Fatalf("after %v: %q, %v, %d logins", after, got, err, s.logins)
		}
	}
	now = now.Add(2 * time.Second) // half of the lease is over
	if got, err := p.Get(t.Context(), "pipe/backstage"); err != nil || got != canary || s.logins != 2 {
		t.Errorf("%q, %v, %d logins", got, err, s.logins)
	}
}

// A policy that allows nothing is not a token that expired: one login more, and no third.
func TestDeniedAfterLogin(t *testing.T) {
	s := newServer(t)
	p := open(t, s.config(func(c *Config) {
		c.AppRole = &AppRole{RoleID: "pipe", SecretID: config.NewSecret("the-secret-id"), Mount: "approle"}
	}))
	if _, err := p.Get(t.Context(), "pipe/closed"); err == nil || s.logins != 2 || len(s.requests) != 4 {
		t.Errorf("%v, %v", err, s.requests)
	}
}

// A token of a file that Vault refuses is read again.
func TestTokenFile(t *testing.T) {
	s := newServer(t)
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "hvs.fixed-token\n")
	text := "url: " + s.URL + "\ntoken: ${file:" + path + "}\n"
	doc, problems := config.Parse(filepath.Join(t.TempDir(), "x.yaml"), []byte(text))
	var c Config
	if problems = append(problems, config.Decode(doc.Root(), &c, nil)...); len(problems) > 0 {
		t.Fatal(problems)
	}
	p := open(t, c)
	if got, err := p.Get(t.Context(), "pipe/backstage"); err != nil || got != canary {
		t.Fatalf("%q, %v", got, err)
	}
	s.with(func() { s.tokens = map[string]bool{"hvs.other-token": true} })
	if _, err := p.Get(t.Context(), "pipe/backstage"); err == nil {
		t.Error("the old token is refused")
	}
	write(t, path, "hvs.other-token\n")
	if got, err := p.Get(t.Context(), "pipe/backstage"); err != nil || got != canary {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLoginFailures(t *testing.T) {
	kubernetes := func(role, mount, file string) func(*Config) {
		return func(c *Config) { c.Kubernetes = &Kubernetes{Role: role, Mount: mount, TokenFile: file} }
	}
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "eyJ.service.account")
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, "\n")
	for name, one := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"another role":  {kubernetes("other", "kubernetes", file), `with the role "other" was refused`},
		"another mount": {kubernetes("pipe", "k8s", file), "no auth method is mounted at k8s"},
		"no token":      {kubernetes("pipe", "kubernetes", file+"x"), "the token of the service account"},
		"an empty one":  {kubernetes("pipe", "kubernetes", empty), "is empty"},
		"AppRole": {func(c *Config) {
			c.AppRole = &AppRole{RoleID: "pipe", SecretID: config.NewSecret(canary), Mount: "approle"}
		}, "the login with the AppRole was refused"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			_, err := open(t, s.config(one.change)).Get(t.Context(), "pipe/backstage")
			if err == nil || !strings.Contains(err.Error(), one.want) || fault.RemedyOf(err) == "" {
				t.Fatalf("%v; %s", err, fault.RemedyOf(err))
			}
			if text := err.Error() + fault.RemedyOf(err); strings.Contains(text, canary) || strings.Contains(text, "eyJ") {
				t.Errorf("a secret is in %q", text)
			}
		})
	}
}

// What is no login of Vault gives no session.
func TestLoginAnswer(t *testing.T) {
	for _, body := range []string{`{"auth":null}`, `{"auth":5}`} {
		s := newServer(t)
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		})
		_, err := open(t, s.config(func(c *Config) { c.AppRole = &AppRole{RoleID: "pipe", Mount: "approle"} })).
			Get(t.Context(), "pipe/backstage")
		if err == nil || !strings.Contains(err.Error(), "has no client_token") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A sealed Vault is asked again.
func TestSealed(t *testing.T) {
	s := newServer(t)
	s.sealed = 1
	if got, err := open(t, s.config(nil)).Get(t.Context(), "pipe/backstage"); err != nil || got != canary {
		t.Errorf("%q, %v", got, err)
	}
}

// Many readers at once log in once.
func TestOneLogin(t *testing.T) {
	s := newServer(t)
	p := open(t, s.config(func(c *Config) {
		c.AppRole = &AppRole{RoleID: "pipe", SecretID: config.NewSecret("the-secret-id"), Mount: "approle"}
	}))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := p.Get(context.Background(), "pipe/backstage"); err != nil || got != canary {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if s.logins != 1 {
		t.Errorf("%d logins", s.logins)
	}
}

// A redirect to another server gets neither the token nor a login.
func TestRedirect(t *testing.T) {
	other := newServer(t)
	from := newServer(t)
	from.Config.Handler = http.RedirectHandler(other.URL+"/v1/secret/data/pipe/backstage", http.StatusTemporaryRedirect)
	if got, err := open(t, from.config(nil)).Get(t.Context(), "pipe/backstage"); err == nil || len(other.requests) > 0 {
		t.Errorf("%q, %v", got, other.requests)
	}
}

func TestConfig(t *testing.T) {
	if err := config.CheckSpec(&Config{}); err != nil {
		t.Error(err)
	}
	const token = "\ntoken: ${TOKEN}\n"
	for name, one := range map[string]struct{ text, want string }{
		"good":             {"url: https://vault.example.com:8200/vault" + token, ""},
		"localhost":        {"url: http://localhost:8200" + token, ""},
		"loopback":         {"url: http://127.0.0.1:8200" + token, ""},
		"http":             {"url: http://vault.example.com" + token, "1:6: secret: the address starts with http"},
		"metadata":         {"url: https://169.254.169.254" + token, "link-local"},
		"no address":       {"url: vault.example.com" + token, "not an address"},
		"with v1":          {"url: https://vault.example.com/v1/" + token, "ends with /v1"},
		"no login":         {"url: https://vault.example.com\n", "nothing says how to log in"},
		"two logins":       {"url: https://vault.example.com\napp_role: {role_id: x}" + token, "several ways"},
		"no role":          {"url: https://vault.example.com\nkubernetes: {mount: k8s}\n", "role"},
		"a mount":          {"url: https://vault.example.com\nmount: /secret" + token, "not a path of Vault"},
		"a namespace":      {"url: https://vault.example.com\nnamespace: a/../b" + token, "not a path of Vault"},
		"a mount of login": {"url: https://vault.example.com\nkubernetes: {role: x, mount: k8s/}\n", "not a path of Vault"},
		"two tokens":       {"url: https://vault.example.com\nheaders: {x-vault-token: '${TOKEN}'}" + token, "both write"},
		"a layer": {"url: https://vault.example.com\nauth: [{header: {name: X-Vault-Token, value: '${TOKEN}'}}]" + token,
			"both write"},
		"an unknown key": {"url: https://vault.example.com\nengine: kv" + token, "unknown key"},
	} {
		doc, problems := config.Parse("x.yaml", []byte(one.text))
		var c Config
		problems = append(problems, config.Decode(doc.Root(), &c, &config.Variables{
			Lookup: func(string) (string, bool) { return "hvs.token", true }})...)
		if text := problems.Error(); one.want == "" && len(problems) > 0 || !strings.Contains(text, one.want) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
