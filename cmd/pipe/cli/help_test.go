package cli

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/components"
)

// eachCommand visits the commands with an action, with their full names.
func eachCommand(all []*urfave.Command, before string, visit func(name string, cmd *urfave.Command)) {
	for _, cmd := range all {
		name := strings.TrimSpace(before + " " + cmd.Name)
		if len(cmd.Subcommands) > 0 {
			eachCommand(cmd.Subcommands, name, visit)
		}
		if !cmd.Hidden && !isGroup(cmd) {
			visit(name, cmd)
		}
	}
}

// TestHelpGroups: every command is in one group of the help.
func TestHelpGroups(t *testing.T) {
	var grouped []string
	for _, g := range groups() {
		grouped = append(grouped, g.Names...)
	}
	var names []string
	for _, cmd := range (&app{Host: Host{Registry: components.Registry()}}).cli().Commands {
		if !cmd.Hidden && cmd.Name != "help" {
			names = append(names, cmd.Name)
		}
	}
	slices.Sort(grouped)
	slices.Sort(names)
	if !slices.Equal(grouped, names) {
		t.Errorf("in groups: %v\ncommands:  %v", grouped, names)
	}
}

// TestHelpExamples: every command has two examples, which call it with valid flags.
func TestHelpExamples(t *testing.T) {
	c := (&app{Host: Host{Registry: components.Registry()}}).cli()
	n := 0
	eachCommand(c.Commands, "", func(name string, cmd *urfave.Command) {
		all := exampleCalls()[name]
		if n++; len(all) != 2 {
			t.Errorf("%s has %d examples", name, len(all))
		}
		for _, example := range all {
			words := strings.Fields(strings.Split(strings.Split(example, " > ")[0], " < ")[0])
			p := parse(c, words, (&app{}).globalFlags())
			if p.name() != name {
				t.Errorf("%s is a call of %q", example, p.name())
			}
			for i := 0; i < len(p.options); i++ {
				o := p.options[i]
				if !slices.ContainsFunc(cmd.Flags, func(f urfave.Flag) bool {
					return slices.Contains(f.Names(), strings.TrimLeft(strings.Split(o, "=")[0], "-"))
				}) {
					t.Errorf("%s: there is no flag %s", example, o)
				}
				if takesValue(cmd.Flags, o) {
					i++
				}
			}
		}
	})
	if n != len(exampleCalls()) {
		t.Errorf("%d commands, and examples for %d", n, len(exampleCalls()))
	}
}

// TestHelpWidth: the help fits its width, and breaks no word.
func TestHelpWidth(t *testing.T) {
	a := &app{Host: Host{Registry: components.Registry()}}
	c := a.cli()
	words := map[string]bool{}
	for _, width := range []int{60, 80, proseWidth} {
		pages := map[string]*helpPage{"": {width: width}}
		a.programHelp(pages[""])
		eachCommand(c.Commands, "", func(name string, cmd *urfave.Command) {
			pages[name] = &helpPage{width: width}
			pages[name].command((&app{}).program(), cmd, name)
		})
		for name, page := range pages {
			for _, line := range strings.Split(page.text.String(), "\n") {
				if utf8.RuneCountInString(line) > width && !strings.HasPrefix(line, "  pipe ") {
					t.Errorf("pipe %s at %d: %q", name, width, line)
				}
			}
			for _, word := range strings.Fields(page.text.String()) {
				if width == 60 {
					words[word] = true
				} else if !words[word] {
					t.Errorf("pipe %s at %d: the word %q is broken at %d", name, width, word, 60)
				}
			}
		}
	}
}

// TestHelpCalls: all ways to ask for help show it.
func TestHelpCalls(t *testing.T) {
	for call, says := range map[string]string{
		"": "Usage: pipe COMMAND", "help": "Usage: pipe COMMAND", "--help": "Usage: pipe COMMAND",
		"-h":       "Usage: pipe COMMAND",
		"help run": "Usage: pipe run FILE", "run --help": "Usage: pipe run FILE", "run x.yaml -h": "Usage: pipe run FILE",
		"--help run": "Usage: pipe run FILE", "plugin": "Usage: pipe plugin COMMAND",
		"help plugin new":   "Usage: pipe plugin new NAME",
		"plugin new --help": "Usage: pipe plugin new NAME",
	} {
		pipe(t, nil, strings.Fields(call)...).expect(t, 0, says)
	}
	pipe(t, nil, "help", "nothing").expect(t, 2, `there is no command "nothing"`)
	for verb, use := range map[string]string{"validate": "check", "lint": "check", "plan": "run --dry-run",
		"dry-run": "run --dry-run", "apply": "run", "sync": "run"} {
		pipe(t, nil, verb).expect(t, 2, `there is no command "`+verb+`"`, "use pipe "+use)
		pipe(t, nil, verb, shipped).expect(t, 2, `there is no command "`+verb+`"`, "use pipe "+use, "!pipe: using")
	}
	pipe(t, nil, "run", "-x").expect(t, 2, "there is no flag -x", "!did you mean")
}
