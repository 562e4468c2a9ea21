package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
)

const secretsPage = "../../../pipelines/secrets.md"

// secretRecipe is what makes a recipe of the page about secrets run on this machine: a
// provider with both tokens, and what it changes in the file.
type secretRecipe func(t *testing.T, s *secretive, file string, text string) string

var secretRecipes = map[string]secretRecipe{
	"A file in the repository": func(t *testing.T, s *secretive, file, text string) string {
		writeFile(t, file, text)
		for _, args := range [][]string{{"init", file}, {"set", file, "backstage-token", "--for", s.source.URL},
			{"set", file, "glean-token", "--for", s.sink.URL}} {
			value := s.secrets[0]
			if len(args) > 2 && args[2] == "glean-token" {
				value = s.secrets[1]
			}
			c := fed(t, s.env, value+"\n", append([]string{"secret"}, args...)...)
			if s.search(t, c, args); c.code != 0 {
				t.Fatal(c.both())
			}
		}
		s.call(t, "secret", "list", file)
		return text
	},
	"A command": func(t *testing.T, s *secretive, _, text string) string {
		if runtime.GOOS == "windows" {
			t.Skip("the command is a shell script")
		}
		folder := t.TempDir()
		writeFile(t, filepath.Join(folder, "backstage-token"), s.secrets[0]+"\n")
		writeFile(t, filepath.Join(folder, "glean-token"), s.secrets[1]+"\n")
		script := filepath.Join(folder, "op")
		writeFile(t, script, `#!/bin/sh
echo "a canary of the command" >&2
test "$1" = read || exit 1
name=${2#op://pipe/}
exec cat "`+folder+`/${name%/credential}"
`)
		if err := os.Chmod(script, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
		return text
	},
	"Vault": func(t *testing.T, s *secretive, _, text string) string {
		mux := http.NewServeMux()
		mux.HandleFunc("POST /v1/auth/kubernetes/login", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if string(body) != `{"jwt":"canary-of-the-account","role":"pipe"}` {
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write(body)
				return
			}
			inJSONWith(w, map[string]any{"auth": map[string]any{"client_token": "canary-of-vault", "lease_duration": 3600}})
		})
		mux.HandleFunc("GET /v1/secret/data/pipe/{name}", func(w http.ResponseWriter, r *http.Request) {
			token, ok := map[string]string{"backstage": s.secrets[0], "glean": s.secrets[1]}[r.PathValue("name")]
			if !ok || r.Header.Get("X-Vault-Token") != "canary-of-vault" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			inJSONWith(w, map[string]any{"data": map[string]any{"data": map[string]string{"token": token}}})
		})
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		text = strings.Replace(text, "https://vault.example.com:8200", server.URL, 1)
		return strings.Replace(text, "      role: pipe\n",
			"      role: pipe\n      token_file: "+write(t, "account", "canary-of-the-account\n")+"\n", 1)
	},
	"AWS": func(t *testing.T, s *secretive, _, text string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			authorization := r.Header.Get("Authorization")
			switch target := r.Header.Get("X-Amz-Target"); {
			case !strings.Contains(authorization, "/eu-west-1/") || !strings.Contains(authorization, "x-amz-target"):
				w.WriteHeader(http.StatusBadRequest)
			case target == "AmazonSSM.GetParameter" && strings.Contains(string(body), `"/pipe/backstage-token"`):
				inJSONWith(w, map[string]any{"Parameter": map[string]any{"Value": s.secrets[0]}})
			case target == "secretsmanager.GetSecretValue" && strings.Contains(string(body), `"pipe/glean"`):
				member, _ := codec.Marshal(map[string]string{"token": s.secrets[1]})
				inJSONWith(w, map[string]any{"SecretString": string(member)})
			default:
				w.WriteHeader(http.StatusBadRequest)
			}
		}))
		t.Cleanup(server.Close)
		for name, value := range map[string]string{"AWS_ENDPOINT_URL_SSM": server.URL, "AWS_PROFILE": "",
			"AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SESSION_TOKEN": "",
			"AWS_SECRET_ACCESS_KEY": "canary-of-aws", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CA_BUNDLE": "",
			"AWS_CONFIG_FILE":             filepath.Join(t.TempDir(), "none"),
			"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"),
		} {
			t.Setenv(name, value)
		}
		return text
	},
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func inJSONWith(w http.ResponseWriter, v any) {
	text, _ := codec.Marshal(v)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

// TestSecretRecipes (invariant 6): every recipe of the page about secrets is a change of the
// shipped pipeline that checks without a warning and without its provider, runs with the
// provider, and shows no secret, whatever the other end answers.
func TestSecretRecipes(t *testing.T) {
	found := map[string]string{}
	for name, section := range sections(read(t, secretsPage), "##") {
		if all := blocks(section, "diff"); len(all) > 0 {
			found[name] = all[0]
		}
	}
	if len(found) != len(secretRecipes) {
		t.Errorf("%d recipes, %d tests of one", len(found), len(secretRecipes))
	}
	for name, change := range found {
		t.Run(name, func(t *testing.T) {
			prepare, ok := secretRecipes[name]
			if !ok {
				t.Fatal("nothing tests this recipe")
			}
			s := newSecretive(t)
			delete(s.env, "BACKSTAGE_API_TOKEN")
			delete(s.env, "GLEAN_INDEXING_API_KEY")
			text := patched(t, read(t, shipped), change)
			s.enter(t)
			file := filepath.Join(t.TempDir(), "backstage.yaml")
			writeFile(t, file, text)
			if c := s.call(t, "check", "--strict", file); c.code != 0 || strings.Contains(c.both(), "warning") {
				t.Fatalf("exit %d\n%s", c.code, c.both())
			}
			if local := strings.HasPrefix(name, "A "); local {
				if c := s.call(t, "check", "--secrets", file); c.code != int(job.Wrong) {
					t.Errorf("without a provider: exit %d\n%s", c.code, c.both())
				}
			}
			writeFile(t, file, prepare(t, s, file, text))
			if c := s.call(t, "check", "--secrets", "--strict", file); c.code != 0 {
				t.Fatalf("exit %d\n%s", c.code, c.both())
			}
			run := append([]string{"run", "--full", file, "--progress", "plain"}, s.wordy("debug")...)
			if c := s.call(t, run...); c.code != 0 {
				t.Errorf("exit %d\n%s", c.code, c.both())
			}
			s.call(t, "config", file, "--log-level", "debug")
			s.call(t, "doctor", file, "--log-level", "debug")
			for kind, echo := range echoes {
				if name != "A file in the repository" && kind != "401" && kind != "a sign-in page" {
					continue
				}
				s.source.spoil.Store(&echo)
				s.call(t, append([]string{"run", file}, s.wordy("debug")...)...)
				s.source.spoil.Store(nil)
			}
		})
	}
}
