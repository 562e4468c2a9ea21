package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
)

// servedHandbook is a server of the handbook, whose records the test writes.
type servedHandbook struct {
	*served
	dir string
	env map[string]string
}

func serveHandbook(t *testing.T) *servedHandbook {
	t.Helper()
	dir := t.TempDir()
	h := &servedHandbook{dir: dir, env: map[string]string{"HANDBOOK_FILE": filepath.Join(dir, "records.ndjson"),
		"HANDBOOK_OUT": filepath.Join(dir, "out")}}
	h.write(t, 200)
	h.served = startServerWith(t, h.env, filepath.Join(dir, "state"), handbook)
	return h
}

// write writes two people, a team of one of them, and n pages; the first ten are for the team.
func (h *servedHandbook) write(t *testing.T, n int) {
	t.Helper()
	var text strings.Builder
	text.WriteString(`{"id":"ann","kind":"person","name":"Ann","mail":"ann@example.com"}
{"id":"bob","kind":"person","name":"Bob","mail":"bob@example.com"}
{"id":"team-42","kind":"team","name":"Payments","members":["ann"]}
`)
	for i := range n {
		audience := "all"
		if i < 10 {
			audience = "team"
		}
		fmt.Fprintf(&text, `{"id":"page-%d","kind":"page","name":"Page","owner":"team-42","audience":%q}`+"\n", i, audience)
	}
	if err := os.WriteFile(h.env["HANDBOOK_FILE"], []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tokenFile returns a file with a new token of a name.
func (h *servedHandbook) tokenFile(t *testing.T, name string, flags ...string) string {
	t.Helper()
	c := h.command(append([]string{"serve", "token", "add", name}, flags...)...)
	if c.code != 0 {
		t.Fatalf("a token for %s: exit %d\n%s", name, c.code, c.both())
	}
	path := filepath.Join(h.dir, "token-"+name)
	if err := os.WriteFile(path, []byte(c.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// expect checks the exit code and the words of a call to the server with a token.
func (h *servedHandbook) expect(t *testing.T, token string, code job.Class, words []string, args ...string) call {
	t.Helper()
	c := pipe(t, nil, append(args, "--server", h.origin, "--token-file", token)...)
	for _, word := range words {
		if !strings.Contains(c.both(), word) {
			t.Errorf("no %q in the output of pipe %s", word, strings.Join(args, " "))
		}
	}
	secret, err := os.ReadFile(token)
	if err != nil {
		t.Fatal(err)
	}
	if c.code != int(code) || strings.Contains(c.both(), strings.TrimSpace(string(secret))) || t.Failed() {
		t.Fatalf("pipe %s: exit %d, want %d\n%s", strings.Join(args, " "), c.code, code, c.both())
	}
	return c
}

// refused makes a run that a guard refuses, and returns the ID of the refusal.
func (h *servedHandbook) refused(t *testing.T, token string, pages int) string {
	t.Helper()
	h.write(t, pages)
	h.expect(t, token, job.Refused, []string{"has ended: refused"}, "trigger", "handbook", "--wait")
	return h.call("GET", "/pipelines/handbook/refusal", "", http.StatusOK)["id"].(string)
}

// TestApproveAtServer: a person approves with pipe approve what waits at a server; programs, those
// who asked for the run, and approvals of what no longer waits are refused.
func TestApproveAtServer(t *testing.T) {
	t.Parallel()
	h := serveHandbook(t)
	bot := h.tokenFile(t, "bot", "--role", "trigger,inspect")
	ann := h.tokenFile(t, "ann", "--person", "--role", "trigger,approve")
	bob := h.tokenFile(t, "bob", "--person", "--role", "approve")
	secret, err := os.ReadFile(bot)
	if err != nil {
		t.Fatal(err)
	}
	h.token = strings.TrimSpace(string(secret))
	h.expect(t, bot, job.Done, []string{"has ended: delivered"}, "trigger", "handbook", "--wait")
	first := h.refused(t, ann, 100)
	h.expect(t, bot, job.Wrong, []string{"the server answers 403", "bot does not have the role approve",
		"a person must approve"}, "approve", "handbook", first)
	h.expect(t, ann, job.Wrong, []string{"the server answers 403", "ann asked for run", "another person must approve"},
		"approve", "handbook", first)
	h.expect(t, bob, job.Wrong, []string{"the server answers 404", "there is no pipeline none", "check the name"},
		"approve", "none", first)
	h.expect(t, bob, job.Wrong, []string{"is not the ID of a refused run"}, "approve", "handbook", "x")
	h.expect(t, bob, job.Wrong, []string{"--alone works on the machine"}, "approve", "--alone", "handbook", first)

	second := h.refused(t, bot, 60) // not covered by an approval of the first one
	h.expect(t, bob, job.Wrong, []string{"the server answers 409", first + " does not wait for approval",
		"look at the last run"}, "approve", "handbook", first)
	c := h.expect(t, bob, job.Wrong, nil, "approve", "handbook", first, "--json")
	answer, err := codec.Decode([]byte(c.stdout))
	if err != nil || answer["ok"] != false || answer["error"].(map[string]any)["code"] != "conflict" {
		t.Errorf("a conflict as JSON: %v, %s", err, c.stdout)
	}
	c = h.expect(t, bob, job.Done, nil, "approve", handbook, second, "--json", "--reason", "merged pages")
	answer, err = codec.Decode([]byte(c.stdout))
	if err != nil {
		t.Fatal(err)
	}
	data := answer["data"].(map[string]any)
	if approval := data["approval"].(map[string]any); approval["by"] != "bob" || approval["reason"] != "merged pages" ||
		data["id"] != second || len(data["changes"].([]any)) != 140 || data["needed"] != 1.0 || data["missing"] != nil {
		t.Errorf("the approval as JSON: %v", data)
	}
	next := data["next_run"].(string)
	if r := h.endedOf("handbook", next); r["verdict"] != "delivered" {
		t.Errorf("the run that was approved: %v", r)
	}

	third := h.refused(t, bot, 30)
	h.expect(t, bob, job.Done, []string{"documents for datasource-users, deleted: 30", "page-",
		"Approved by bob: one complete run", "begins as soon as the server can run it"}, "approve", "handbook", third)
}
