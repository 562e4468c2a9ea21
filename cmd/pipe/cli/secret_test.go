package cli

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// withSecrets writes the shipped pipeline with a secrets block to a folder, and with the text
// of each replacement in place of the other.
func withSecrets(t *testing.T, dir, block string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(replace...).Replace(string(text))
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(changed, replace[i+1]) {
			t.Fatalf("the shipped pipeline has no %s", replace[i])
		}
	}
	file := filepath.Join(dir, "backstage.yaml")
	if err := os.WriteFile(file, []byte(changed+"\nsecrets:\n"+block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	backstageToken = "${BACKSTAGE_API_TOKEN:-}"
	gleanToken     = "${GLEAN_INDEXING_API_KEY}"
)

// addresses are variables of a Backstage and a Glean that do not exist.
var addresses = map[string]string{"BACKSTAGE_BASE_URL": "https://portal.example.com",
	"GLEAN_SERVER_URL": "https://acme-be.glean.com"}

// TestCheckReadsNoSecret: a stranger's file cannot make check, or a command that sends
// nothing, run a program or read a file.
func TestCheckReadsNoSecret(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command is a script")
	}
	t.Parallel()
	dir := t.TempDir()
	marker := filepath.Join(dir, "ran")
	script := filepath.Join(dir, "secret.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n: >"+marker+"\necho value-of-the-secret\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	block := "  exec: {command: [" + script + "]}\n"
	file := withSecrets(t, dir, block, backstageToken, "${secret:portal}", gleanToken, "${file:missing}")
	for _, call := range [][]string{{"check", file}, {"check", "--strict", "--strict-env", file}, {"config", file},
		{"run", "--sandbox", "--state", "none", file}, {"explain", "--sandbox", file, "fraud-scorer"}} {
		c := pipe(t, addresses, call...)
		if _, err := os.Stat(marker); c.code != 0 || err == nil {
			t.Errorf("%v: exit %d, the command ran: %v\n%s%s", call, c.code, err == nil, c.stdout, c.stderr)
		}
	}
	c := pipe(t, addresses, "check", "--secrets", file)
	c.expect(t, int(job.Wrong), `the file "missing" does not exist`, "!portal", "!value-of-the-secret")
	if _, err := os.Stat(marker); err != nil {
		t.Error("check --secrets did not ask the provider")
	}
	file = withSecrets(t, dir, block, backstageToken, "${secret:portal}", gleanToken, "${secret:glean}")
	pipe(t, addresses, "check", "--secrets", file).expect(t, 0, "ok")
}

// TestSecretStore: init, set, list and remove; values are never shown, and a secret goes only
// to its address.
func TestSecretStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := withSecrets(t, dir, "  store: {file: secrets.age, identity: \"${file:secrets.key}\"}\n",
		backstageToken, "${secret:portal}", gleanToken, "${secret:glean}")
	pipe(t, nil, "secret", "list", file).expect(t, int(job.Failed), "pipe secret init")
	pipe(t, nil, "secret", "init", file).expect(t, 0, "secrets.age, which you can commit", "secrets.key, which opens it")
	pipe(t, nil, "secret", "list", file).expect(t, 0, "has no secrets yet")
	pipe(t, addresses, "check", "--secrets", file).expect(t, int(job.Wrong), `has no secret "portal"`,
		"pipe secret set "+file+" portal")

	set := fed(t, nil, "canary-of-portal\n", "secret", "set", file, "portal", "--for", "https://portal.example.com")
	set.expect(t, 0, "stored portal, for https://portal.example.com", "!canary")
	fed(t, nil, "canary-of-glean", "secret", "set", file, "glean").expect(t, 0, "for any address", "!canary")
	pipe(t, nil, "secret", "list", file).expect(t, 0, "portal", "https://portal.example.com", "any address", "!canary")
	pipe(t, addresses, "check", "--secrets", file).expect(t, 0, "ok", "!canary")

	elsewhere := map[string]string{"BACKSTAGE_BASE_URL": "https://evil.example.com",
		"GLEAN_SERVER_URL": "https://acme-be.glean.com"}
	for _, call := range [][]string{{"check", "--secrets", file}, {"doctor", file},
		{"run", "--dry-run", "--state", "none", file}} {
		pipe(t, elsewhere, call...).expect(t, int(job.Wrong), "secret-origin",
			"may only be sent to https://portal.example.com", "sends it to https://evil.example.com", "!canary")
	}
	fed(t, nil, "", "secret", "set", file, "glean").expect(t, int(job.Failed), "the value of glean is empty")
	pipe(t, nil, "secret", "set", file, "glean", "value").expect(t, int(job.Wrong), "takes FILE NAME")
	pipe(t, nil, "secret", "rekey", file).expect(t, 0, "has a new identity")
	pipe(t, nil, "secret", "remove", file, "glean").expect(t, 0, "removed glean")
	pipe(t, nil, "secret", "list", file).expect(t, 0, "portal", "!glean")
	pipe(t, nil, "secret", "list", shipped).expect(t, int(job.Failed), "has no secrets.store")
}

// TestProviderDown: a provider that does not answer is worth another try, one that has no
// such secret is not.
func TestProviderDown(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
	}))
	defer server.Close()
	block := "  vault: {url: '" + server.URL + "', token: '${VAULT_TOKEN}', retries: {attempts: 1}}\n"
	file := withSecrets(t, t.TempDir(), block, backstageToken, "${secret:pipe/backstage}")
	env := maps.Clone(addresses)
	env["VAULT_TOKEN"], env["GLEAN_INDEXING_API_KEY"] = "token-of-vault", "token-of-glean"
	misspelt := withSecrets(t, t.TempDir(), block, backstageToken, "${secret:pipe/backstage}", "page_size:", "page_sise:")
	for _, one := range []struct {
		status int64
		file   string
		want   job.Class
	}{
		{http.StatusServiceUnavailable, file, job.Failed}, {http.StatusNotFound, file, job.Wrong},
		{http.StatusServiceUnavailable, misspelt, job.Wrong},
	} {
		status.Store(one.status)
		for _, call := range [][]string{{"run", one.file}, {"check", "--secrets", one.file}} {
			c := pipe(t, env, call...)
			if c.code != int(one.want) || !strings.Contains(c.both(), "secrets.vault: ") {
				t.Errorf("%v with %d: exit %d, want %d\n%s", call, one.status, c.code, one.want, c.both())
			}
		}
	}
}

// TestCheckKnowsProviders: check reports a name that no provider can have without asking one,
// and does not say that a secret is missing which it did not read.
func TestCheckKnowsProviders(t *testing.T) {
	t.Parallel()
	const store, exec = "  store: {file: s.age, identity: '${file:s.key}'}\n", "  exec: {command: [pass, show]}\n"
	for name, one := range map[string]struct{ block, token, want string }{
		"fine":           {store, "${secret:glean}", "backstage.yaml: ok\n"},
		"a file":         {store, "${file:glean}", "backstage.yaml: ok\n"},
		"one of two":     {store + exec, "${secret:exec:glean}", "backstage.yaml: ok\n"},
		"none of two":    {store + exec, "${secret:glean}", `several providers (store, exec), and "glean" names none of them`},
		"no provider":    {"  # none\n", "${secret:glean}", `the file has no secrets block that provides "glean"`},
		"of a provider":  {"  store: {file: s.age, identity: '${secret:key}'}\n", "${file:x}", "cannot come from a provider"},
		"a broken block": {"  stor: {file: s.age}\n", "${secret:glean}", `unknown key "stor"`},
	} {
		t.Run(name, func(t *testing.T) {
			file := withSecrets(t, t.TempDir(), one.block, gleanToken, one.token)
			c := pipe(t, addresses, "check", file)
			fine := strings.Contains(one.want, ": ok")
			if fine && strings.Contains(c.both(), "the sink still needs") || strings.Count(c.both(), "hint:") > 1 ||
				!strings.Contains(c.both(), one.want) || (c.code == 0) != fine {
				t.Errorf("exit %d\n%s", c.code, c.both())
			}
		})
	}
}
