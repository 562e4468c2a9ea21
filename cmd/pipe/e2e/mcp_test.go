package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// workspace returns a folder with the shipped file, its tests, and what a run would send in out.
func workspace(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"backstage.yaml", "backstage.test.yaml"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(shipped), name))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if c := pipe(t, nil, "run", "--sandbox", "--dry-run", "--output", filepath.Join(folder, "out"),
		filepath.Join(folder, "backstage.yaml")); c.code != 0 {
		t.Fatal(c.both())
	}
	return folder
}

// TestMCP: pipe mcp answers on standard output with nothing but messages, serves the folder that it
// was started in, and ends with its input.
func TestMCP(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "mcp")
	cmd.Dir = workspace(t)
	cmd.Env = append(os.Environ(), childVariable+"=pipe")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	ask := func(id int, method, params string) map[string]any {
		t.Helper()
		fmt.Fprintf(in, `{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}`+"\n", id, method, params)
		if !lines.Scan() {
			t.Fatalf("no answer to %s: %v\n%s", method, lines.Err(), errs.String())
		}
		m, err := codec.Decode(lines.Bytes())
		if err != nil || m["result"] == nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		return m["result"].(map[string]any)
	}
	ask(1, "initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}`)
	fmt.Fprintln(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	call := func(id int, tool, arguments string) string {
		t.Helper()
		r := ask(id, "tools/call", `{"name":"`+tool+`","arguments":`+arguments+`}`)
		return r["content"].([]any)[0].(map[string]any)["text"].(string)
	}
	if text := call(2, "check", `{"file":"backstage.yaml"}`); !strings.Contains(text, `"ok":true`) {
		t.Error(text)
	}
	if text := call(3, "check", `{"file":"/etc/hostname"}`); !strings.Contains(text, "not below the folder") {
		t.Error(text)
	}
	// A long line is not wrapped.
	if text := call(4, "components", `{"name":"backstage"}`); len(text) < 10_000 {
		t.Errorf("%d bytes", len(text))
	}
	in.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil || errs.Len() > 0 {
			t.Errorf("%v\n%s", err, errs.String())
		}
	case <-time.After(patience):
		t.Error("it did not end with its input")
	}
	if c := pipe(t, nil, "mcp", "backstage.yaml"); c.code != 2 || !strings.Contains(c.stderr, "takes no file") {
		t.Error(c.code, c.both())
	}
}

// TestMCPClient: the official client, which knows nothing of pipe, adds a property and a rule with a
// test to the shipped file, and the result passes check and test, here as well as there.
func TestMCPClient(t *testing.T) {
	home := os.Getenv("MCP_CLIENT_HOME")
	if home == "" {
		t.Skip("MCP_CLIENT_HOME names no folder with npm's @modelcontextprotocol/sdk; .ci/full makes one")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	t.Parallel()
	folder := workspace(t)
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(home, "client.mjs"), os.Args[0], "mcp")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), childVariable+"=pipe")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	steps, err := codec.Decode(out)
	if err != nil {
		t.Fatal(err)
	}
	step := func(name string) string {
		b, err := codec.Marshal(steps[name])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, want := range map[string]string{
		"tools":        `["check","components","diff","eval","explain","functions","sandbox_run","schema","search_as","test"]`,
		"workflow":     "A person runs it",
		"value":        `"value":"service"`,
		"mistake":      `"hint":"did you mean`,
		"line":         "tier: metadata.annotation[",
		"checked":      `"ok":true`,
		"untested":     `"untested_rules":["the rule \"experiments are for their owners\""]`,
		"checkedTests": `"ok":true`,
		"tested":       `"ok":true`,
		"diff":         `"rule":"experiments are for their owners"`,
		"run":          `"rejected":[]`,
		"search":       "component:default/booking-service",
	} {
		if got := step(name); !strings.Contains(got, want) {
			t.Errorf("%s: no %s in\n%s", name, want, got)
		}
	}
	for _, command := range []string{"check", "test"} {
		if c := pipe(t, nil, command, filepath.Join(folder, "backstage.yaml")); c.code != 0 {
			t.Errorf("pipe %s: exit %d\n%s", command, c.code, c.both())
		}
	}
}
