package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestCompletionOfWords: kinds and streams come from the pipeline file, refs from the
// baseline, and nothing is printed where nothing is known.
func TestCompletionOfWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	empty := w.pipe(t, "__complete", "explain", shipped, "component:")
	if empty.both() != "" || empty.code != 0 {
		t.Errorf("before the first run: exit %d\n%s", empty.code, empty.both())
	}
	if c := w.pipe(t, "run", shipped); c.code != 0 {
		t.Fatal(c.both())
	}
	for _, tc := range []struct {
		words []string
		want  string // lines, "…" for more of them
	}{
		{[]string{"show", shipped, "c"}, "components"},
		{[]string{"show", shipped, "components", ""}, ""},
		{[]string{"run", shipped, "--only", "do"}, "documents"},
		{[]string{"run", shipped, "--only", "users,d"}, "users,documents"},
		{[]string{"explain", shipped, "component:default/f"}, "component:default/fraud-scorer"},
		{[]string{"status", shipped, "component:default/f"}, "component:default/fraud-scorer"},
		{[]string{"audit", "who", shipped, "component:default/f"}, "component:default/fraud-scorer"},
		{[]string{"hide", shipped, "user:default/x", "component:default/f"}, "component:default/fraud-scorer"},
		{[]string{"eval", shipped, "owner", "--ref", "component:default/f"}, "component:default/fraud-scorer"},
		{[]string{"explain", "--state", w.state, shipped, "component:default/f"}, ""},
		{[]string{"explain", shipped, "component:default/zzz"}, ""},
		{[]string{"explain", "nowhere.yaml", "c"}, ""}, {[]string{"nothing", ""}, ""}, {[]string{""}, ""}, {nil, ""},
		{[]string{"audit", "what", shipped, ""}, ""}, {[]string{"run", shipped, "--report", ""}, ""},
	} {
		c := w.pipe(t, append([]string{"__complete"}, tc.words...)...)
		if strings.TrimSpace(c.stdout) != tc.want || c.stderr != "" || c.code != 0 {
			t.Errorf("%v: exit %d\n%s", tc.words, c.code, c.both())
		}
	}
}

// TestCompletionShortens: more refs than fit on a screen are offered by their kind first.
func TestCompletionShortens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	if c := w.pipe(t, "run", shipped); c.code != 0 {
		t.Fatal(c.both())
	}
	all := strings.Fields(w.pipe(t, "__complete", "explain", shipped, "").stdout)
	if !slices.Contains(all, "component:") || slices.Contains(all, "component:default/fraud-scorer") {
		t.Errorf("%v", all)
	}
}

// TestCompletionInShells asks each shell that is there for a ref, which the script asks of
// the program.
func TestCompletionInShells(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	if c := w.pipe(t, "run", shipped); c.code != 0 {
		t.Fatal(c.both())
	}
	dir := t.TempDir()
	program := "#!/bin/sh\n" + childVariable + "=pipe exec " + os.Args[0] + ` "$@"` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "pipe"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	for shell, ask := range map[string][]string{
		"bash": {"--norc", "-c", `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"
			COMP_POINT=${#COMP_LINE}; _pipe; printf '%s\n' "${COMPREPLY[@]}"`, "bash"},
		"zsh": {"-f", "-c", `compdef() { :; }; _files() { :; }
			compadd() { while [[ $1 == -* ]]; do [[ $1 == -S ]] && shift; shift; done; print -l -- $@; }
			source "$1"; shift; words=("$@"); CURRENT=$#; _pipe`, "zsh"},
		"fish": {"--no-config", "-c",
			`source $argv[1]; complete -C (string join ' ' -- $argv[2..-1]) | string replace -r '\t.*' ''; true`, "--"},
	} {
		t.Run(shell, func(t *testing.T) {
			interpreter, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("%s is not installed: %v", shell, err)
			}
			script := write(t, "completion", pipe(t, nil, "completion", shell).stdout)
			for want, words := range map[string][]string{
				"component:default/fraud-scorer": {"explain", shipped, "component:default/fr"},
				"components":                     {"show", shipped, "co"},
				"documents":                      {"run", shipped, "--only", "do"},
			} {
				cmd := exec.CommandContext(t.Context(), interpreter, append(append(ask, script, "pipe"), words...)...)
				cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "PATH="+dir+":"+os.Getenv("PATH"))
				for name, value := range w.env {
					cmd.Env = append(cmd.Env, name+"="+value)
				}
				out, err := cmd.CombinedOutput()
				if shell == "bash" { // it completes what is behind the last colon
					want = want[strings.LastIndexByte(want, ':')+1:]
				}
				if err != nil || !slices.Contains(strings.Fields(string(out)), want) {
					t.Errorf("%v: %v\n%s", words, err, out)
				}
			}
		})
	}
}
