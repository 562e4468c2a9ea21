package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestTrigger: pipe trigger asks the server of the state folder for a run, and ends as the run does.
// A signed webhook asks for one, too.
func TestTrigger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	state, secret, file := filepath.Join(dir, "state"), filepath.Join(dir, "secret"), filepath.Join(dir, "token")
	write := func(path, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	const hookSecret = "0123456789abcdef0123456789abcdef"
	write(secret, hookSecret+"\n", 0o600)
	s := startServer(t, state, "--sandbox", "--webhook-secret-file", secret, shipped)
	token := func(name, role string) string {
		return strings.TrimSpace(s.command("serve", "token", "add", name, "--role", role).stdout)
	}
	s.token = token("ci", "trigger")
	write(file, s.token+"\n", 0o600)
	expect := func(c call, code job.Class, words ...string) {
		t.Helper()
		for _, word := range words {
			if !strings.Contains(c.both(), word) {
				t.Errorf("no %q in the output", word)
			}
		}
		if c.code != int(code) || strings.Contains(c.both(), s.token) || t.Failed() {
			t.Errorf("exit %d, want %d\n%s", c.code, code, c.both())
		}
	}
	expect(s.command("trigger", "backstage", "--token-file", file, "--wait"), job.Done, "has ended: delivered")
	expect(pipe(t, map[string]string{"PIPE_TOKEN": s.token}, "trigger", "--server", s.origin, "--full", "--json", "--wait",
		"backstage"), job.Done, `"verdict": "delivered"`, `"exit_code": 0`)
	expect(s.command("trigger", "backstage", "--token-file", file, "--dry-run"), job.Done, "run ")
	expect(s.command("trigger", "other", "--token-file", file), job.Wrong, "there is no pipeline other", "→")
	expect(s.command("trigger", shipped, "--token-file", file, "--dry-run"), job.Done, "run ")
	expect(s.command("trigger", "pipelines/none.yaml", "--token-file", file), job.Wrong,
		"is neither the name of a pipeline")
	expect(s.command("trigger", "backstage"), job.Wrong, "PIPE_TOKEN is not set")
	expect(s.command("trigger", "backstage", "--token-file", file, "--server", "http://192.0.2.1:7979"), job.Wrong,
		"unencrypted")
	view := map[string]string{"PIPE_TOKEN": token("viewer", "view")}
	expect(pipe(t, view, "trigger", "--server", s.origin, "backstage"), job.Wrong, "does not have the role trigger")
	view["PIPE_TOKEN"] += "x"
	expect(pipe(t, view, "trigger", "--server", s.origin, "backstage"), job.Wrong, "pipe serve token list")
	write(file, s.token+"\n", 0o640)
	if c := s.command("trigger", "backstage", "--token-file", file); runtime.GOOS != "windows" {
		expect(c, job.Wrong, "can be used by other users")
	}

	m := hmac.New(sha256.New, []byte(hookSecret))
	m.Write([]byte("{}"))
	for _, tt := range []struct {
		signature string
		status    int
	}{{"sha256=" + hex.EncodeToString(m.Sum(nil)), http.StatusAccepted}, {"sha256=00", http.StatusUnauthorized}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.origin+"/api/v1/webhooks/backstage",
			strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Hub-Signature-256", tt.signature)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status {
			t.Errorf("a webhook: %s, want %d", resp.Status, tt.status)
		}
	}
}
