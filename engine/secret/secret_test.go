package secret

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/secret/aws"
	"github.com/pipe-engine/pipe/engine/secret/exec"
	"github.com/pipe-engine/pipe/engine/secret/store"
	"github.com/pipe-engine/pipe/engine/secret/vault"
)

// filled returns a store with one secret in a folder.
func filled(t *testing.T, dir string) *store.Config {
	t.Helper()
	place := store.Place{Path: filepath.Join(dir, "secrets.age"), IdentityFile: filepath.Join(dir, "secrets.key")}
	if _, err := place.Init(nil); err != nil {
		t.Fatal(err)
	}
	s, err := place.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Set("token", "from the store", []string{"https://a.example.com"}, false); err != nil {
		t.Fatal(err)
	}
	identity, err := os.ReadFile(place.IdentityFile)
	if err != nil {
		t.Fatal(err)
	}
	return &store.Config{File: "secrets.age", Identity: config.NewSecret(string(identity))}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	one := &Config{Store: filled(t, dir)}
	two := &Config{Store: one.Store, Exec: &exec.Config{Command: []string{"/bin/echo", "from the command"}}}
	for name, c := range map[string]struct {
		cfg              *Config
		name, text, want string // want is a part of the error
	}{
		"the only provider":         {one, "token", "from the store", ""},
		"a prefix":                  {one, "store:token", "from the store", ""},
		"an unknown name":           {one, "tokem", "", `secrets.store: ` + dir + `/secrets.age has no secret "tokem"`},
		"a provider of two":         {two, "exec:x", "from the command x", ""},
		"no provider of two":        {two, "token", "", `several providers (store, exec), and "token" names none`},
		"no provider":               {&Config{}, "token", "", "has no provider"},
		"a command that is missing": {&Config{Exec: &exec.Config{Command: []string{"./missing"}}}, "x", "", "secrets.exec: "},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := NewResolver(c.cfg, Settings{Folder: dir}).Secret(t.Context(), c.name, false)
			var why *config.SecretError
			switch {
			case c.want == "" && (err != nil || got.Text != c.text):
				t.Errorf("%v, %v", got, err)
			case c.want != "" && (!errors.As(err, &why) || !strings.Contains(why.Message, c.want) || why.Hint == ""):
				t.Errorf("%+v, want an error with %q and a hint", err, c.want)
			}
		})
	}
	got, err := NewResolver(one, Settings{Folder: dir}).Secret(t.Context(), "token", false)
	if err != nil || len(got.Origins) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := OfProvider(t.Context(), "token", false); err == nil {
		t.Error("a provider's settings came from a provider")
	}
}

// TestAgain: a provider is asked once, and again only when it has to be.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	count := filepath.Join(dir, "count")
	script := filepath.Join(dir, "secret")
	text := "#!/bin/sh\necho x >>" + count + "\nwc -l <" + count + "\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	r := NewResolver(&Config{Exec: &exec.Config{Command: []string{script}}}, Settings{Folder: dir})
	for i, c := range []struct {
		again bool
		want  string
	}{{false, "1"}, {false, "1"}, {true, "2"}, {false, "2"}} {
		if got, err := r.Secret(t.Context(), "token", c.again); err != nil || strings.TrimSpace(got.Text) != c.want {
			t.Errorf("%d: %q, %v, want %s", i, got.Text, err, c.want)
		}
	}
}

// TestProviderDown: a provider that does not answer is asked once for all secrets of a file,
// and again when a credential is renewed.
func TestProviderDown(t *testing.T) {
	var asked, status atomic.Int64
	status.Store(http.StatusServiceUnavailable)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, `{"data":{"data":{"token":"value"}}}`)
	}))
	defer server.Close()
	cfg := vault.Config{URL: server.URL, Mount: "secret", Token: config.NewSecret("token-of-vault"),
		Config: connection.Default()}
	cfg.Retries.Attempts = 1
	r := NewResolver(&Config{Vault: &cfg}, Settings{})
	for i, one := range []struct {
		name   string
		again  bool
		status int64
		asked  int64
		fine   bool
	}{
		{"a", false, 503, 1, false}, {"b", false, 503, 1, false}, {"a", true, 503, 2, false}, {"a", false, 200, 2, false},
		{"a", true, 200, 3, true}, {"b", false, 200, 4, true}, {"b", false, 404, 4, true}, {"c", false, 404, 5, false},
		{"d", false, 200, 6, true},
	} {
		status.Store(one.status)
		_, err := r.Secret(t.Context(), one.name, one.again)
		if n := asked.Load(); (err == nil) != one.fine || n != one.asked {
			t.Errorf("%d: %v, asked %d times", i, err, n)
		}
	}
}

// TestStopped: the end of the context ends the work of a provider at once, and the provider does not count
// as down.
func TestStopped(t *testing.T) {
	asked := make(chan struct{}, 3)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer server.Close()
	defer close(release)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY": "secret", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "none",
		"AWS_SHARED_CREDENTIALS_FILE": "none"} {
		t.Setenv(name, value)
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "secret")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho x >started\nsleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct {
		cfg  *Config
		name string
	}{
		"exec": {&Config{Exec: &exec.Config{Command: []string{script}}}, "token"},
		"vault": {&Config{Vault: &vault.Config{URL: server.URL, Mount: "secret", Token: config.NewSecret("token-of-vault"),
			Config: connection.Default()}}, "token"},
		"aws": {&Config{AWS: &aws.Config{Region: "eu-west-1"}}, "ssm:token"},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewResolver(one.cfg, Settings{Folder: dir})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				for name == "exec" && ctx.Err() == nil {
					if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
						asked <- struct{}{}
						break
					}
					time.Sleep(time.Millisecond)
				}
				<-asked
				cancel()
			}()
			begin := time.Now()
			_, err := r.Secret(ctx, one.name, false)
			if err == nil || !strings.Contains(err.Error(), "stopped before it answered") {
				t.Errorf("%v", err)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if len(r.down) > 0 {
				t.Error("the provider counts as down")
			}
		})
	}
}
