package connection

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// fileSecret is the secret of ${file:path}.
func fileSecret(t *testing.T, path string) config.Secret {
	t.Helper()
	doc, problems := config.Parse("test.yaml", []byte("token: ${file:"+path+"}"))
	var v struct {
		Token config.Secret `yaml:"token" doc:"a secret"`
	}
	problems = append(problems, config.Decode(doc.Root(), &v, &config.Variables{})...)
	if len(problems) > 0 || !v.Token.FromFile() {
		t.Fatal(problems)
	}
	return v.Token
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeUnseen replaces a file by one of the same size and time: only a 401 causes it to be
// read again.
func writeUnseen(t *testing.T, path, text string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.Size() != int64(len(text)) {
		t.Fatal(info, err)
	}
	write(t, path, text)
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// wants answers well only to this Authorization and this X-Assertion.
func wants(authorization, assertion string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != authorization || r.Header.Get("X-Assertion") != assertion {
			answer(401, appJSON, `{"error":{"message":"`+r.Header.Get("Authorization")+`"}}`)(w, r)
			return
		}
		answer(200, appJSON, "{}")(w, r)
	}
}

func TestTokenFileIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		later    func(token, header string) // what happens to the files after the start
		request  Request
		attempts int
		says     string
	}{
		"changed": {func(token, header string) { write(t, token, "token-renewed") }, Request{Method: "GET"}, 1, ""},
		"renewed": {func(token, header string) { writeUnseen(t, token, "token-renewed\n") }, Request{Method: "GET"}, 2, ""},
		"renewed, and a request that is never repeated": {func(token, header string) {
			writeUnseen(t, token, "token-renewed\n")
		}, Request{Method: "POST", NoRetry: true}, 2, ""},
		"the same": {func(token, header string) {}, Request{Method: "GET"}, 1, "401"},
		"also refused": {func(token, header string) {
			writeUnseen(t, token, "token-wronger\n")
		}, Request{Method: "GET"}, 2, "401"},
		"gone": {func(token, header string) { _ = os.Remove(token) }, Request{Method: "GET"}, 1,
			"read token again"},
		"half written": {func(token, header string) { write(t, token, "") }, Request{Method: "GET"}, 1,
			"read token again"},
		"with a header": {func(token, header string) {
			writeUnseen(t, token, "token-renewed\n")
			writeUnseen(t, header, "fresh-assertion")
		}, Request{Method: "GET"}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			token, header := filepath.Join(dir, t.Name(), "token"), filepath.Join(dir, t.Name(), "header")
			if err := os.MkdirAll(filepath.Dir(token), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, token, "token-expired\n")
			write(t, header, "stale-assertion")
			assertion := "stale-assertion"
			if name == "with a header" {
				assertion = "fresh-assertion"
			}
			f := start(t, wants("Bearer token-renewed", assertion), func(c *Config, s *Settings) {
				s.Token = fileSecret(t, token)
				c.Headers = map[string]config.Secret{"x-assertion": fileSecret(t, header)}
			})
			tc.later(token, header)
			tc.request.Path = "/x"
			_, err := f.Do(t.Context(), tc.request)
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v", err)
			}
			if err != nil && (fault.ClassOf(err) != fault.Fatal || !strings.Contains(fault.RemedyOf(err), "token")) {
				t.Errorf("class %v, remedy %q", fault.ClassOf(err), fault.RemedyOf(err))
			}
			for _, text := range []string{everythingOf(err), f.log.String()} {
				if strings.Contains(text, "token-") ||
					strings.Contains(text, "assertion") && !strings.Contains(text, "X-Assertion") {
					t.Errorf("a secret shows: %s", text)
				}
			}
			if f.attempts() != tc.attempts {
				t.Errorf("%d attempts, want %d", f.attempts(), tc.attempts)
			}
		})
	}
}

func TestRenewInParallel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "token-expired")
	var refused atomic.Int32
	good := wants("Bearer token-renewed", "")
	var all sync.WaitGroup
	all.Add(8)
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-expired" {
			refused.Add(1)
			all.Done()
			all.Wait() // all were refused before one reads the file
		}
		good(w, r)
	}, func(_ *Config, s *Settings) { s.Token = fileSecret(t, path) })
	writeUnseen(t, path, "token-renewed")
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			if _, err := f.get(t); err != nil {
				t.Error(err)
			}
		})
	}
	requests.Wait()
	if refused.Load() != 8 || f.attempts() != 16 {
		t.Errorf("%d refused, %d attempts", refused.Load(), f.attempts())
	}
}

func TestNoToken(t *testing.T) {
	f := start(t, wants("Bearer x", ""), func(_ *Config, s *Settings) { s.Token = config.Secret{} })
	if _, err := f.get(t); !strings.Contains(fault.RemedyOf(err), "none is set: set `token`") {
		t.Errorf("%v: %s", err, fault.RemedyOf(err))
	}
}
