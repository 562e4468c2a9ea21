package e2e

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
)

// spills are answers of a provider that repeat everything secret in or about a request.
var spills = map[string]func(w http.ResponseWriter, text string){
	"400 in JSON": func(w http.ResponseWriter, text string) {
		w.Header().Set("X-Request-Id", text)
		w.WriteHeader(http.StatusBadRequest)
		spillJSON(w, map[string]any{"errors": []string{text}, "message": text, "__type": text})
	},
	"an AWS error": func(w http.ResponseWriter, text string) {
		w.WriteHeader(http.StatusBadRequest)
		spillJSON(w, map[string]any{"__type": "AccessDeniedException", "message": text, "Message": text})
	},
	"403 in text": func(w http.ResponseWriter, text string) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, text)
	},
	"404 as a page": func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprintf(w, "<html><title>%s</title>", html.EscapeString(text))
	},
	"a page": func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, "<html><title>%s</title>", html.EscapeString(text))
	},
	"JSON of another kind": func(w http.ResponseWriter, text string) {
		spillJSON(w, map[string]any{"data": text, "auth": text, "Parameter": text, "SecretString": []string{text}})
	},
	"a list": func(w http.ResponseWriter, text string) { spillJSON(w, []string{text}) },
	"JSON that ends early": func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "application/json")
		b, _ := codec.Marshal(text)
		_, _ = fmt.Fprintf(w, `{"data":{"data":{"token":%s`, b)
	},
	"a redirect": func(w http.ResponseWriter, text string) {
		w.Header().Set("Location", "/"+url.PathEscape(text)+"?"+url.QueryEscape(text))
		w.WriteHeader(http.StatusTemporaryRedirect)
	},
	"two lines": func(w http.ResponseWriter, text string) {
		spillJSON(w, map[string]any{"data": map[string]any{"data": map[string]string{"token": text + "\nmore"}},
			"Parameter": map[string]string{"Value": text + "\nmore"}, "auth": map[string]any{"client_token": text}})
	},
}

func spillJSON(w io.Writer, v any) {
	if h, ok := w.(http.ResponseWriter); ok {
		h.Header().Set("Content-Type", "application/json")
	}
	b, err := codec.Marshal(v)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(b)
}

// TestSecretsOfProviders (invariant 6): a provider that fails, whatever it answers with, shows
// neither the secret nor the credentials that the provider was asked with.
func TestSecretsOfProviders(t *testing.T) {
	s := newSecretive(t)
	s.secrets = append(s.secrets, canary("vault"), canary("role"), canary("account"), canary("aws"), canary("identity"),
		canary("proxy-of-vault"))
	s.env["VAULT_TOKEN"], s.env["VAULT_SECRET_ID"] = s.secrets[4], s.secrets[5]
	s.env["IDENTITY"], s.env["VAULT_PROXY"] = s.secrets[8], s.secrets[9]
	var spill func(http.ResponseWriter, string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		spill(w, strings.Join([]string{s.secrets[0], r.Header.Get("X-Vault-Token"), r.Header.Get("X-Proxy-Secret"),
			r.Header.Get("Authorization"), string(body)}, " "))
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_PROFILE": "", "AWS_CA_BUNDLE": "",
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SESSION_TOKEN": "", "AWS_SECRET_ACCESS_KEY": s.secrets[7],
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none")} {
		t.Setenv(name, value)
	}
	vault := func(login string) string {
		return "  vault:\n    url: " + server.URL + "\n    retries: {attempts: 1}\n" +
			"    headers: {X-Proxy-Secret: '${VAULT_PROXY}'}\n    " + login + "\n"
	}
	account := write(t, "account", s.secrets[6])
	appRole := "app_role: {role_id: pipe, secret_id: '${VAULT_SECRET_ID}'}"
	servers := map[string]string{
		"token":      secretsBlock(t, vault("token: ${VAULT_TOKEN}"), "pipe/backstage#token"),
		"app_role":   secretsBlock(t, vault(appRole), "pipe/backstage#token"),
		"kubernetes": secretsBlock(t, vault("kubernetes: {role: pipe, token_file: "+account+"}"), "pipe/backstage#token"),
		"aws":        secretsBlock(t, "  aws: {region: eu-west-1}\n", "ssm:/pipe/backstage"),
	}
	script := func(text string) string {
		path := filepath.Join(t.TempDir(), "command")
		text = "#!/bin/sh\nsecret='" + s.secrets[0] + "'\necho \"$secret\" >&2\n" + text + "\n"
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return secretsBlock(t, "  exec: {command: ["+path+", '{name}', '"+strings.ReplaceAll(s.secrets[1], "'", "")+
			"']}\n", "portal")
	}
	local := map[string]string{
		"no identity":         secretsBlock(t, "  store: {file: "+account+", identity: '${IDENTITY}'}\n", "portal"),
		"a literal identity":  secretsBlock(t, "  store: {file: "+account+", identity: '"+s.secrets[8]+"'}\n", "portal"),
		"a misspelt provider": secretsBlock(t, "  valt: {token: '"+s.secrets[4]+"'}\n", "portal"),
		"a literal token":     secretsBlock(t, vault("token: '"+s.secrets[4]+"'\n    mount: /x"), "portal"),
	}
	if runtime.GOOS != "windows" {
		local["a command that fails"] = script(`echo "$secret"; exit 3`)
		local["a command that prints nothing"] = script("exit 0")
		local["a command that prints too much"] = script(`while echo "$secret"; do :; done`)
		local["a command that prints two lines"] = script(`echo "$secret"; echo more`)
	}
	s.enter(t)
	calls := func(t *testing.T, path string) {
		for _, command := range []string{"check", "check --secrets", "check --secrets --json", "run --json --log-format json",
			"run --progress plain", "doctor", "config", "secret list"} {
			args := append(strings.Fields(command), path, "--log-level", "debug")
			c := s.pipe(t, args...)
			s.search(t, c, args)
			if c.code == int(job.Done) && strings.HasPrefix(command, "run") {
				t.Errorf("%s: exit 0\n%s", command, c.both())
			}
		}
	}
	for name, path := range local {
		t.Run(name, func(t *testing.T) { calls(t, path) })
	}
	for answer, one := range spills {
		for name, path := range servers {
			t.Run(name+", "+answer, func(t *testing.T) { spill = one; calls(t, path) })
		}
	}
}

// secretsBlock is the shipped pipeline with a provider, which has the source's token.
func secretsBlock(t *testing.T, provider, key string) string {
	t.Helper()
	return edited(t, "token: ${BACKSTAGE_API_TOKEN:-}", `token: "${secret:`+key+`}"`, "\nname: ",
		"\nsecrets:\n"+provider+"name: ")
}
