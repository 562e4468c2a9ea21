package cli_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	workercli "github.com/pipe-engine/pipe/cmd/pipe-worker/cli"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
)

type result struct {
	code           int
	stdout, stderr string
}

// worker calls pipe-worker.
func worker(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(context.Background(), cli.Host{Program: workercli.Program(), Registry: components.Registry(),
		Args: append([]string{"pipe-worker"}, args...), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }, Width: 80})
	return result{code, stdout.String(), stderr.String()}
}

// commands are all commands that do something.
var commands = []string{"run", "key", "state init", "state migrate", "state check", "state reset", "fleet plan",
	"fleet apply", "fleet status", "fleet run", "fleet approve", "fleet adopt", "fleet hide", "fleet pause",
	"completion", "version"}

// TestHelp: the help has every command and fits 80 columns. Each command has two examples, which call
// it with flags that it has.
func TestHelp(t *testing.T) {
	all := worker(t, nil, "help")
	flag := regexp.MustCompile(`--[a-z-]+`)
	program := workercli.Program()
	if len(program.Examples) != len(commands) {
		t.Errorf("examples for %d commands of %d", len(program.Examples), len(commands))
	}
	for _, name := range commands {
		words := strings.Fields(name)
		if !strings.Contains(all.stdout, "\n  "+words[0]+" ") {
			t.Errorf("the help has no %s", words[0])
		}
		one := worker(t, nil, append(words, "--help")...)
		for _, line := range strings.Split(one.stdout+all.stdout, "\n") {
			if utf8.RuneCountInString(line) > 80 && !strings.HasPrefix(line, "  pipe-worker ") {
				t.Errorf("%s: %q", name, line)
			}
		}
		if one.code != 0 || !strings.Contains(one.stdout, "pipe-worker "+name) {
			t.Errorf("%s: exit %d: %s", name, one.code, one.stdout)
		}
		if len(program.Examples[name]) != 2 {
			t.Errorf("%s has %d examples", name, len(program.Examples[name]))
		}
		for _, example := range program.Examples[name] {
			if !strings.HasPrefix(example, "pipe-worker "+name) {
				t.Errorf("%s: the example %s", name, example)
			}
			for _, f := range flag.FindAllString(example, -1) {
				if !strings.Contains(one.stdout+all.stdout, "  "+f) {
					t.Errorf("%s: there is no flag %s", example, f)
				}
			}
		}
	}
	if strings.Contains(all.stdout, "--set") {
		t.Error("the help has flags of pipeline files")
	}
}

// TestCompletion: the scripts complete pipe-worker and its commands.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := worker(t, nil, "completion", shell)
		for _, word := range []string{"pipe-worker", "approve", "migrate", "prune"} {
			if !strings.Contains(r.stdout, word) {
				t.Errorf("%s has no %s", shell, word)
			}
		}
		others := strings.ReplaceAll(r.stdout, "_pipe-worker", "")
		if regexp.MustCompile(`_pipe\b|\bpipe completion`).MatchString(others) || r.code != 0 {
			t.Errorf("%s: exit %d, a script for pipe", shell, r.code)
		}
	}
}

// TestCompletionFirst: the script for zsh completes at the first Tab, when compinit loads its file by the
// name that packages and the help give it.
func TestCompletionFirst(t *testing.T) {
	script := worker(t, nil, "completion", "zsh").stdout
	for _, want := range []string{`/_pipe-worker"`, "funcstack[1]} == _pipe-worker ]]"} {
		if !strings.Contains(script, want) {
			t.Errorf("the script has no %s", want)
		}
	}
	shell, err := exec.LookPath("zsh")
	if err != nil {
		t.Skipf("zsh is not installed: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "_pipe-worker"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), shell, "-f", "-c", `compdef() { :; }
		_describe() { print -l -- ${(P)@[$#]%%:*}; }
		fpath=("$1"); autoload -U _pipe-worker; words=(pipe-worker fl); CURRENT=2; _pipe-worker`, "zsh", dir).CombinedOutput()
	if err != nil || !slices.Contains(strings.Fields(string(out)), "fleet") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestWrongCalls: a call that is wrong ends with 2, does nothing and says what to write.
func TestWrongCalls(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		t.Helper()
		path := filepath.Join(dir, "worker.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := "version: 1\ntemporal: {address: \"127.0.0.1:1\"}\ntask_queue: eu\npayload_key: ${KEY}\npipelines: " + dir +
		"\nstate: {folder: " + dir + "}\n"
	key := payload.NewKey()
	env := map[string]string{"KEY": key}
	for name, tc := range map[string]struct {
		config string
		env    map[string]string
		args   []string
		want   string
	}{
		"command":         {good, env, []string{"fleet", "aply"}, "did you mean pipe-worker fleet apply?"},
		"program":         {good, env, []string{"rum"}, "did you mean pipe-worker run?"},
		"flag":            {good, env, []string{"run", "--confg", "x"}, "did you mean --config?"},
		"no key":          {good, nil, []string{"run"}, "KEY is not set"},
		"empty key":       {strings.Replace(good, "${KEY}", `""`, 1), env, []string{"run"}, "payload_key"},
		"short key":       {good, map[string]string{"KEY": "c2hvcnQ="}, []string{"run"}, "not 32 bytes"},
		"unknown setting": {good + "quue: x\n", env, []string{"run"}, "unknown key"},
		"no state":        {good[:strings.Index(good, "state:")], env, []string{"run"}, "no state"},
		"two stores": {strings.Replace(good, "state: {", "state: {postgres: {}, ", 1), env, []string{"run"},
			"exactly one store"},
		"unknown store": {strings.Replace(good, "state: {folder", "state: {mysql", 1), env, []string{"run"},
			"unknown key"},
		"password": {good, env, []string{"run", "--state", "postgres://pipe:hunter2@db/pipe"},
			"on the command line has a password"},
		"other password": {good, env, []string{"run", "--state", "postgres://db/pipe?password=hunter2"},
			"on the command line has a password"},
		"other address":    {good, env, []string{"run", "--state", "mysql://a:hunter2@db"}, "not an address of PostgreSQL"},
		"settings":         {good, env, []string{"run", "--state", "host=db password=hunter2"}, "password on the command"},
		"one setting":      {good, env, []string{"run", "--state", "password=hunter2"}, "password on the command"},
		"blank":            {good, env, []string{"run", "--state", "db hunter2"}, "password on the command"},
		"misspelt store":   {good, env, []string{"fleet", "hide", "--state", "postgre", "b", "x"}, "mean postgres?"},
		"store by address": {good, env, []string{"run", "--state", "postgres://db/pipe"}, "key"},
		"short commit":     {good + "git: {folder: ., commit: abc}\n", env, []string{"run"}, "whole hash"},
		"no fleet":         {good, env, []string{"fleet", "plan"}, "not the folder of a fleet"},
		"pause":            {good, env, []string{"fleet", "pause", "payments"}, "needs a reason"},
		"no id":            {good, env, []string{"fleet", "approve", "payments"}, "the ID of a refused run"},
		"no ref":           {good, env, []string{"fleet", "hide", "payments"}, "a pipeline and refs"},
		"words":            {good, env, []string{"run", "x"}, "takes no words"},
	} {
		variables := map[string]string{"PIPE_WORKER_FILE": file(tc.config)}
		maps.Copy(variables, tc.env)
		r := worker(t, variables, tc.args...)
		text := strings.Join(strings.Fields(r.stderr), " ")
		if r.code != 2 || !strings.Contains(text, tc.want) {
			t.Errorf("%s: exit %d: %s", name, r.code, text)
		}
		if strings.Contains(r.stdout+r.stderr, key) || strings.Contains(r.stdout+r.stderr, "hunter2") {
			t.Errorf("%s: the output has a secret", name)
		}
	}
	list := filepath.Join(dir, "fleet.yaml")
	if err := os.WriteFile(list, []byte("version: 1\nfleeet: a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The end of the problems names the file that has them.
	if r := worker(t, env, "fleet", "plan", "--config", file(good)); r.code != 2 ||
		!strings.Contains(r.stderr, "\n"+list+": ") || !strings.Contains(r.stderr, ", nothing was done") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if err := os.WriteFile(list, []byte("version: 1\nfleet: a\ndefaults: {task_queue: eu}\n"+
		"pipelines: {b: {}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A Temporal that does not answer is worth another try.
	if r := worker(t, env, "fleet", "plan", "--config", file(good)); r.code != 1 ||
		!strings.Contains(r.stderr, "connect to Temporal") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if err := os.Chmod(file(good), 0o666); err != nil {
		t.Fatal(err)
	}
	if r := worker(t, env, "run", "--config", filepath.Join(dir, "worker.yaml")); r.code != 2 ||
		!strings.Contains(strings.Join(strings.Fields(r.stderr), " "), "can be changed by other users") {
		t.Errorf("a file that others may write: exit %d: %s", r.code, r.stderr)
	}
}

// TestNoFile: the first call of a newcomer says where the file of the worker is explained.
func TestNoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if r := worker(t, nil, "run"); r.code != 2 || !strings.Contains(r.stderr, "pipelines/fleet.md") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// TestKey: each key is another one, and a worker takes it.
func TestKey(t *testing.T) {
	a, b := worker(t, nil, "key"), worker(t, nil, "key")
	if _, err := payload.ParseKeys(a.stdout); err != nil || a.stdout == b.stdout {
		t.Errorf("%v", err)
	}
	if v := worker(t, nil, "version"); !strings.HasPrefix(v.stdout, "pipe-worker ") {
		t.Errorf("%s", v.stdout)
	}
}
