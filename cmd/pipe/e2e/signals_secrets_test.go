//go:build unix

package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// atOnce is how long the program may take to end after a signal.
const atOnce = 5 * time.Second

// TestSignalToCredentials: the first signal ends a command that waits for the credential of a server.
func TestSignalToCredentials(t *testing.T) {
	t.Parallel()
	files := map[string]func(url string) string{
		"vault": func(url string) string {
			return secretsBlock(t, "  vault: {url: '"+url+"', token: '${VAULT_TOKEN}'}\n", "pipe/backstage#token")
		},
		"token endpoint": func(url string) string {
			return edited(t, "token: ${BACKSTAGE_API_TOKEN:-}", "auth:\n      - oauth2: {token_url: '"+url+
				"', client_id: pipe, client_secret: '${VAULT_TOKEN}'}")
		},
	}
	for name, file := range files {
		for _, command := range []string{"run", "run --dry-run", "doctor", "check --secrets"} {
			if name != "vault" && command == "check --secrets" {
				continue // obtains no token
			}
			t.Run(name+" "+command, func(t *testing.T) {
				t.Parallel()
				g := newGate(t)
				server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { g.hold() }))
				t.Cleanup(server.Close)
				t.Cleanup(g.release) // before the server is closed
				w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
				w.env["VAULT_TOKEN"] = "token-of-vault"
				p := startProcess(t, w.env, append(strings.Fields(command), file(server.URL))...)
				g.wait(t)
				begin := time.Now()
				p.signal(os.Interrupt, "")
				if code := p.exit(); code != 130 || time.Since(begin) > atOnce {
					t.Errorf("exit %d after %v\n%s", code, time.Since(begin), p.text())
				}
			})
		}
	}
}

// TestSignalToSecretCommand: a signal ends the program and the command that it has started for a secret.
func TestSignalToSecretCommand(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"run", "doctor", "check --secrets"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			script, started := filepath.Join(dir, "secret"), filepath.Join(dir, "started")
			text := "#!/bin/sh\necho $$ >" + started + ".new\nmv " + started + ".new " + started + "\nsleep 60\n"
			if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
			file := secretsBlock(t, "  exec: {command: ['"+script+"']}\n", "portal")
			p := startProcess(t, w.env, append(strings.Fields(command), file)...)
			pid := pidIn(t, started)
			begin := time.Now()
			p.signal(syscall.SIGTERM, "")
			if code := p.exit(); code != 143 || time.Since(begin) > atOnce {
				t.Errorf("exit %d after %v\n%s", code, time.Since(begin), p.text())
			}
			for late := time.Now().Add(atOnce); syscall.Kill(pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(late) {
					_ = syscall.Kill(-pid, syscall.SIGKILL)
					t.Fatal("the command runs on")
				}
			}
		})
	}
}

// pidIn waits for a file with the ID of a process.
func pidIn(t *testing.T, path string) int {
	t.Helper()
	for late := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil || pid <= 1 {
				t.Fatalf("%q: %v", text, err)
			}
			return pid
		}
		if time.Now().After(late) {
			t.Fatal("the command was not started")
		}
	}
}
