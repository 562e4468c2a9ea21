package cli

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestCompletion asks each installed shell for its completions.
func TestCompletion(t *testing.T) {
	for shell, ask := range map[string]string{
		"bash": `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
			COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; _pipe; printf '%s\n' "${COMPREPLY[@]}"`,
		"zsh": `compdef() { :; }; _files() { :; }; compadd() { shift; print -l -- $@; }
			_describe() { print -l -- ${(P)@[$#]%%:*}; }
			source "$1"; shift; words=("$@"); CURRENT=$#; _pipe`,
		"fish": `source $argv[1]; complete -C (string join ' ' -- $argv[2..-1]) | string replace -r '\t.*' ''; true`,
	} {
		t.Run(shell, func(t *testing.T) {
			program, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("%s is not installed: %v", shell, err)
			}
			script := write(t, "completion", pipe(t, nil, "completion", shell).stdout)
			for _, tc := range []struct {
				words []string
				want  string // must be offered
				not   string // must not be offered
			}{
				{[]string{"pipe", "ch"}, "check", ""},
				{[]string{"pipe", "plugin", "de"}, "describe", "doctor"},
				{[]string{"pipe", "run", "--dry"}, "--dry-run", "--plugins"},
				{[]string{"pipe", "check", "--pl"}, "--plugins", "--dry-run"},
				{[]string{"pipe", "plugin", "new", "--la"}, "--lang", "--example"},
				{[]string{"pipe", "run", "--progress", "pl"}, "plain", "check"},
				{[]string{"pipe", "check", "--explain", "unknown-n"}, "unknown-name", "check"},
				{[]string{"pipe", "functions", "rel"}, "related", "check"},
				{[]string{"pipe", "components", "gl"}, "glean", "check"},
				{[]string{"pipe", "completion", "fi"}, "fish", "check"},
			} {
				args := append([]string{script}, tc.words...)
				flags := []string{"-c", ask}
				switch shell {
				case "bash":
					flags = []string{"--norc", "-c", ask, "bash"}
				case "zsh":
					flags = []string{"-f", "-c", ask, "zsh"}
				case "fish":
					flags = []string{"--no-config", "-c", ask, "--"}
				}
				cmd := exec.CommandContext(t.Context(), program, append(flags, args...)...)
				cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir())
				out, err := cmd.CombinedOutput()
				offered := strings.Fields(string(out))
				if err != nil || !slices.Contains(offered, tc.want) || tc.not != "" && slices.Contains(offered, tc.not) {
					t.Errorf("%v: %v %s", tc.words, err, out)
				}
			}
		})
	}
	for _, args := range []string{"completion", "completion tcsh", "completion bash zsh"} {
		if c := pipe(t, nil, strings.Fields(args)...); c.code != int(job.Wrong) ||
			!strings.Contains(c.stderr, "bash, zsh or fish") {
			t.Errorf("%s: exit %d\n%s", args, c.code, c.both())
		}
	}
}
