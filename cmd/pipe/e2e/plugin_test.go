package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/display"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

const (
	examplesFolder = "../../../plugins/examples"
	python         = "/usr/bin/python3"
)

// pluginEnv is the environment of a call that starts plugins.
func pluginEnv() map[string]string {
	return map[string]string{"CI": "true", "PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME")}
}

// goTool runs the Go tool in a folder, without network.
func goTool(t testing.TB, dir string, args ...string) {
	t.Helper()
	runGo(t, dir, args, "GOPROXY=off")
}

func runGo(t testing.TB, dir string, args []string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// buildModule builds the program of a module that may need downloads, such as the example
// apidigest: the main module lacks its libraries.
func buildModule(t testing.TB, dir, program string) {
	t.Helper()
	program, err := filepath.Abs(program)
	if err != nil {
		t.Fatal(err)
	}
	runGo(t, dir, []string{"build", "-o", program, "."})
}

func needGrpcio(t testing.TB) {
	t.Helper()
	if out, err := exec.Command(python, "-c", "import grpc").CombinedOutput(); err != nil {
		t.Skipf("%s has no grpcio: %v %s", python, err, out)
	}
}

// builtDigest is the example apidigest, built.
func builtDigest(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "apidigest")
	buildModule(t, examplesFolder+"/apidigest", path)
	return path
}

func sumOf(t testing.TB, path string) string {
	t.Helper()
	sum, err := pluginhost.Checksum(path)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// withBlock returns the shipped pipeline with a plugin before its transforms.
func withBlock(t testing.TB, lines ...string) string {
	t.Helper()
	return edited(t, "transforms:   ",
		"transforms:\n  - name: condensed\n    when: kind == \"API\"\n    plugin:\n      "+strings.Join(lines, "\n      ")+
			"\n#")
}

type expected struct {
	code int
	want []string
}

func (e expected) check(t *testing.T, c call) {
	t.Helper()
	if c.code != e.code {
		t.Errorf("exit %d, want %d\n%s", c.code, e.code, c.both())
	}
	for _, want := range e.want {
		if !strings.Contains(c.both(), want) {
			t.Errorf("%q is not said in\n%s", want, c.both())
		}
	}
}

// TestPluginLooks: the commands that show facts about a plugin, and mistakes in their calls.
func TestPluginLooks(t *testing.T) {
	digest := builtDigest(t)
	sum := sumOf(t, digest)
	folder := filepath.Dir(digest)
	text := write(t, "text.sh", "#!/bin/sh\necho this is no plugin\n")
	os.Chmod(text, 0o700)
	for name, tc := range map[string]struct {
		args []string
		expected
	}{
		"checksum": {[]string{"checksum", digest}, expected{0, []string{sum + "  " + digest, "sha256: " + sum}}},
		"checksum of two": {[]string{"checksum", digest, text},
			expected{0, []string{"sha256: [" + sum + ", " + sumOf(t, text) + "]"}}},
		"checksum as JSON":     {[]string{"checksum", "--json", digest}, expected{0, []string{`"sha256": "` + sum, `"line": "sha256: ` + sum}}},
		"checksum of nothing":  {[]string{"checksum"}, expected{2, []string{"needs the path"}}},
		"checksum of a folder": {[]string{"checksum", folder}, expected{2, []string{"is not a file"}}},
		"checksum of a flag": {[]string{"checksum", digest, "nope"},
			expected{2, []string{"no checksum of nope", "files alone"}}},
		"describe": {[]string{"describe", digest},
			expected{0,
				[]string{"apidigest 1.0.0", "reads   spec.type, spec.definition", "max_lines", "at least 10", "example"}}},
		"describe as JSON":   {[]string{"describe", digest, "--json"}, expected{0, []string{`"name": "apidigest"`, `"writes"`}}},
		"describe no plugin": {[]string{"describe", text}, expected{1, []string{text, "this is no plugin"}}},
		"describe nothing":   {[]string{"describe"}, expected{2, []string{"needs the path of a plugin"}}},
		"describe a missing": {[]string{"describe", folder + "/nope"}, expected{1, []string{"no such file"}}},
		"unknown":            {[]string{"tyr", digest}, expected{2, []string{`"plugin tyr"`, "pipe plugin try"}}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.check(t, pipe(t, pluginEnv(), append([]string{"plugin"}, tc.args...)...))
		})
	}
}

// TestPluginTry: a plugin on records that were recorded, each difference shown.
func TestPluginTry(t *testing.T) {
	digest := builtDigest(t)
	tester := merge(pluginEnv(), map[string]string{"GORACE": "atexit_sleep_ms=0"})
	granted := []string{os.Args[0], "--env", childVariable, "--env", markVariable, "--env", "GORACE"}
	graphql := `{"kind":"API","metadata":{"name":"Parcels"},"spec":{"type":"graphql","definition":"type Query { \"all of them\" parcels: [Int] }"}}`
	other := `{"ref":"api:x/y","kind":"API","spec":{"type":"trpc","definition":"x"}}`
	for name, tc := range map[string]struct {
		input, mode string
		args        []string
		expected
	}{
		"changed and unchanged": {graphql + "\n\n" + other + "\n", "", []string{digest}, expected{0, []string{
			"api:default/parcels  changed\n  spec.definition\n  - type Query", "+ query parcels [Int]: all of them",
			"api:x/y  unchanged", "2 records: 1 changed, 1 unchanged, 0 dropped, 0 failed"}}},
		"an array": {"[" + graphql + ",\n" + other + "]", "", []string{digest},
			expected{0, []string{"2 records: 1 changed"}}},
		"as JSON": {graphql, "", []string{"--json", digest}, expected{0, []string{`"outcome": "changed"`, `"path": "spec.definition"`, `"before": "type Query`, `"changed": 1`}}},
		"a config": {graphql, "", []string{digest, "--config", `{"max_bytes": 9}`},
			expected{0, []string{"api:default/parcels  unchanged"}}},
		"a config in YAML": {graphql, "", []string{digest, "--config", "max_bytes: 9"},
			expected{0, []string{"api:default/parcels  unchanged"}}},
		"a wrong config": {graphql, "", []string{digest, "--config", `{"max_linez": 9}`},
			expected{2, []string{"--config:1:2", "did you mean max_lines?"}}},
		"a broken config": {graphql, "", []string{digest, "--config", `{"max_lines": `}, expected{2, []string{"--config:1"}}},
		"its example": {"", "", []string{digest, "--example"},
			expected{0, []string{"api:default/parcels  changed", "1 record: 1 changed"}}},
		"no example": {"", "plugin-drop", append(granted, "--example"),
			expected{2, []string{"tester gives no example"}}},
		"dropped": {graphql, "plugin-drop", granted,
			expected{0, []string{"api:default/parcels  dropped\n  no interfaces please", "1 dropped"}}},
		"failed": {graphql, "plugin-hostile", granted,
			expected{3, []string{"api:default/parcels  failed\n  plugin tester", "1 failed"}}},
		"hangs": {graphql, "plugin-hang", append(granted, "--timeout", "100ms"),
			expected{3, []string{"failed", "did not answer within 100ms"}}},
		"no record": {"", "", []string{digest}, expected{2, []string{"no record", "records.ndjson"}}},
		"no JSON": {graphql + "\nkind: API\n", "", []string{digest},
			expected{2, []string{"line 2 is not a JSON object"}}},
		"no entity": {`{"title": "x"}`, "", []string{digest}, expected{2, []string{"line 1 is not an entity"}}},
	} {
		t.Run(name, func(t *testing.T) {
			env := merge(tester, map[string]string{childVariable: tc.mode, markVariable: filepath.Join(t.TempDir(), "mark")})
			tc.check(t, fed(t, env, tc.input, append([]string{"plugin", "try"}, tc.args...)...))
		})
	}
}

func merge(maps ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range maps {
		for name, value := range m {
			out[name] = value
		}
	}
	return out
}

// TestPluginList: each state of a checksum, and its effect in check and run.
func TestPluginList(t *testing.T) {
	t.Parallel()
	digest := builtDigest(t)
	command, pinned := "command: "+digest, "sha256: "+sumOf(t, digest)
	other := "sha256: " + strings.Repeat("0123", 16)
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	for name, tc := range map[string]struct {
		block []string
		args  string
		at    string // the text at the position of a problem
		expected
	}{
		"pinned": {[]string{command, pinned}, "plugin list", "",
			expected{0, []string{"condensed", "apidigest", "1.0.0", digest, "pinned", "starts"}}},
		"differs": {[]string{command, other}, "plugin list --allow-unpinned", "",
			expected{2, []string{"differs", "not started", pinned}}},
		"none": {[]string{command}, "plugin list", "",
			expected{2, []string{"none", "not started", "--allow-unpinned"}}},
		"none, allowed": {[]string{command}, "plugin list --allow-unpinned", "",
			expected{0, []string{"apidigest", "none", "starts"}}},
		"as JSON": {[]string{command, pinned}, "plugin list --json", "", expected{0, []string{`"checksum": "pinned"`, `"ok": true`}}},
		"missing": {[]string{command + "x", pinned}, "plugin list", "",
			expected{2, []string{"unreadable", "no such file"}}},
		"interpreter only": {[]string{"command: [/bin/sh, -c, exec " + digest + "]", "sha256: " + sumOf(t, "/bin/sh")},
			"plugin list", "", expected{0, []string{"pinned (interpreter only)", "starts", "warning: interpreter-only"}}},
		"check, interpreter": {[]string{"command: [/bin/sh, -c, exec " + digest + "]", "sha256: " + sumOf(t, "/bin/sh")},
			"check", "", expected{0, []string{"warning: interpreter-only: the checksum covers only the " +
				"interpreter"}}},
		"run config": {[]string{command, pinned, "config:", "  max_lines: -12345"}, "run --progress none",
			"-12345", expected{2, []string{"nothing sent", "    max_lines: -12345\n", "^^^^^^", "write 10 or more"}}},
		"check, none": {[]string{command}, "check", "", expected{2, []string{"unpinned", "pipe plugin checksum"}}},
		"check, differs": {[]string{command, other}, "check --plugins", digest,
			expected{2, []string{"it was not started", pinned}}},
		"check, config": {[]string{command, pinned, "config:", "  max_lines: 3"}, "check", "", expected{0, nil}},
		"check config, plugins": {[]string{command, pinned, "config:", "  max_lines: -12345"}, "check --plugins", "-12345",
			expected{2, []string{"max_lines: -12345", "write 10 or more"}}},
		"run, none": {[]string{command}, "run --progress none", "",
			expected{2, []string{"unpinned", "--allow-unpinned"}}},
		"run, differs": {[]string{command, other}, "run --progress none", "",
			expected{1, []string{"it was not started", "nothing sent"}}},
		"config, none":       {[]string{command}, "config", "", expected{0, nil}},
		"doctor, none":       {[]string{command}, "doctor --sandbox", "", expected{0, nil}},
		"run, sandbox, none": {[]string{command}, "run --sandbox --progress none", "", expected{2, []string{"unpinned"}}},
		"run, allowed": {[]string{command}, "run --sandbox --allow-unpinned --progress none", "",
			expected{0, []string{"delivered"}}},
	} {
		t.Run(name, func(t *testing.T) {
			path := withBlock(t, tc.block...)
			if tc.at != "" {
				tc.want = append(tc.want, path+positionOf(t, path, tc.at))
			}
			tc.check(t, pipe(t, merge(pluginEnv(), w.env), append(strings.Fields(tc.args), path)...))
		})
	}
	t.Run("attached", func(t *testing.T) {
		path, line := withBlock(t, command), debugged(t, digest)
		env := merge(pluginEnv(), map[string]string{pluginhost.ReattachVariable: line})
		expected{0, []string{"apidigest", "1.0.0", "attached"}}.check(t, pipe(t, env, "plugin", "list", path))
		expected{0, []string{"ok"}}.check(t, pipe(t, env, "check", "--plugins", path))
		env[pluginhost.ReattachVariable] = strings.Replace(line, "/tmp/", "/tmp/no", 1)
		expected{2, []string{"does not answer", "start the plugin with --debug"}}.check(t,
			pipe(t, env, "plugin", "list", path))
	})
	if c := pipe(t, nil, "plugin", "list", shipped); c.code != 0 || !strings.Contains(c.stdout, "names no plugin") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// debugged starts a plugin with --debug and returns the value that it prints.
func debugged(t *testing.T, program string) string {
	t.Helper()
	cmd := exec.Command(program, "--debug")
	cmd.Env = []string{"TMPDIR=/tmp"}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	_, value, found := strings.Cut(strings.TrimSpace(line), "=")
	if err != nil || !found {
		t.Fatalf("%q %v", line, err)
	}
	return strings.Trim(value, "'")
}

// positionOf returns :line:col: of a text in the plugin's block of a file.
func positionOf(t *testing.T, path, text string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block := strings.Index(string(b), "    plugin:\n")
	at := block + strings.Index(string(b)[block:], text)
	before := string(b)[:at]
	return ":" + display.Number(strings.Count(before, "\n")+1) + ":" + display.Number(at-strings.LastIndex(before, "\n")) +
		":"
}
