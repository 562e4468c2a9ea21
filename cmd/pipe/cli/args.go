package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/config"
)

// parsed is a parsed call.
type parsed struct {
	program   string
	path      []*urfave.Command
	options   []string // the flags with their values
	words     []string // the other words, including -- and the words after it
	askedHelp bool
}

// parse parses a call. flags are those of every command. The command's name ends before the first word
// that is not a command.
func parse(c *urfave.App, args []string, flags []urfave.Flag) parsed {
	p := parsed{program: args[0]}
	rest := args[1:]
	if len(rest) > 0 && (rest[0] == "--version" || rest[0] == "-v") {
		rest = append([]string{"version"}, rest[1:]...)
	}
	if len(rest) > 0 && (rest[0] == "help" || rest[0] == "h") {
		p.askedHelp, rest = true, rest[1:]
	}
	commands := c.Commands
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		if arg == "--" {
			p.words = append(p.words, rest[i:]...)
			break
		}
		if arg == "--help" || arg == "-h" {
			p.askedHelp = true
			continue
		}
		if strings.HasPrefix(arg, "-") && arg != "-" {
			p.options = append(p.options, arg)
			if takesValue(flags, arg) && i+1 < len(rest) {
				i++
				p.options = append(p.options, rest[i])
			}
			continue
		}
		at := slices.IndexFunc(commands, func(cmd *urfave.Command) bool {
			return len(p.words) == 0 &&
				cmd.HasName(arg)
		})
		if at < 0 {
			p.words = append(p.words, arg)
			commands = nil
			continue
		}
		p.path = append(p.path, commands[at])
		flags = append(flags, commands[at].Flags...)
		commands = commands[at].Subcommands
	}
	return p
}

// command is the command of the call, nil when it names none.
func (p parsed) command() *urfave.Command {
	if len(p.path) == 0 {
		return nil
	}
	return p.path[len(p.path)-1]
}

// name is the full name of the command, as "plugin new".
func (p parsed) name() string {
	var names []string
	for _, cmd := range p.path {
		names = append(names, cmd.Name)
	}
	return strings.Join(names, " ")
}

// args returns the call with its flags before its other words, since the library treats a
// flag after a file as another file.
func (p parsed) args() []string {
	args := []string{p.program}
	for _, cmd := range p.path {
		args = append(args, cmd.Name)
	}
	return slices.Concat(args, p.options, p.words)
}

// takesValue reports whether a flag as it was written is followed by its value.
func takesValue(flags []urfave.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		d, ok := f.(urfave.DocGenerationFlag)
		return ok && d.TakesValue()
	}
	return false
}

// otherNames are commands of other programs, with the command of this one.
var otherNames = map[string]string{
	"validate": "check", "lint": "check", "plan": "run --dry-run",
	"dry-run": "run --dry-run", "apply": "run", "sync": "run", "publish": "run", "import": "run", "list": "show",
	"get": "show", "delete": "hide", "remove": "hide", "logs": "status",
}

func (a *app) nearestCommand(name string) string {
	program := a.program()
	if other := otherNames[name]; other != "" && program.ofFiles {
		return "use pipe " + other
	}
	if near := config.Nearest(name, append(a.names, "help")); near != "" {
		return "did you mean " + program.Name + " " + near + "?"
	}
	return program.Name + " help lists the commands"
}

// subcommandNeeded is the action of a command that does nothing without one of
// its subcommands.
func subcommandNeeded(c *urfave.Context) error {
	if !c.Args().Present() {
		return nil // its help has been printed
	}
	asked := c.Args().First()
	var names []string
	for _, sub := range c.Command.Subcommands {
		names = append(names, sub.Names()...)
	}
	program, _, _ := strings.Cut(c.Command.HelpName, " ")
	hint := program + " " + c.Command.Name + " takes " + print.List(names)
	if near := config.Nearest(asked, names); near != "" {
		hint = "did you mean " + program + " " + c.Command.Name + " " + near + "?"
	}
	return usage{fmt.Sprintf("there is no command %q", c.Command.Name+" "+asked), hint}
}

// noUnit matches the library's error for a duration without a unit.
var noUnit = regexp.MustCompile(`invalid value "([0-9.]+)" for flag -([a-z-]+): parse error`)

// removedFlags are flags of earlier versions, with what to use instead.
var removedFlags = map[string]string{
	"approve-loss": "an approval names the refused run: pipe run --approve ID FILE, with the ID that the refusal " +
		"printed",
	"approve-widen": "an approval names the refused run: pipe run --approve ID FILE, with the ID that the refusal " +
		"printed",
}

// badWait matches the library's error for a value of --wait.
var badWait = regexp.MustCompile(`invalid boolean value "([^"]*)" for -wait: `)

// usageError rewrites an error about the flags of a call in the program's own words.
func (a *app) usageError(c *urfave.Context, err error, _ bool) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
			return usage{"--" + strings.TrimLeft(name, "-") + " needs a value", a.helpHint()}
		}
		if m := noUnit.FindStringSubmatch(err.Error()); m != nil {
			return usage{"--" + m[2] + " takes a time with its unit, but " + m[1] + " has none",
				"write " + m[1] + "s or " + m[1] + "m"}
		}
		if m := badWait.FindStringSubmatch(err.Error()); m != nil {
			return usage{"--wait=" + m[1] + " is not a positive time with a unit",
				"write --wait, which waits 30 minutes, or --wait=1h"}
		}
		return usage{err.Error(), a.helpHint()}
	}
	typed := a.typed(name)
	name = strings.TrimLeft(name, "-")
	if hint := removedFlags[name]; hint != "" {
		return usage{"--" + name + " was removed", hint}
	}
	u := usage{"there is no flag " + typed, a.helpHint()}
	if c.Command == nil {
		return u
	}
	var known []string
	for _, f := range append(c.Command.Flags, a.globalFlags()...) {
		known = append(known, f.Names()...)
	}
	u.hint = c.Command.HelpName + " --help lists the flags"
	if near := config.Nearest(name, known); near != "" && len(name) > 1 {
		u.hint = "did you mean --" + near + "?"
	}
	return u
}

// helpHint is where the help of the program is.
func (a *app) helpHint() string { return a.ofProgram("see pipe help, or pipe COMMAND --help") }

// typed is a flag as the call has it, with one dash or two.
func (a *app) typed(name string) string {
	for _, arg := range a.Args {
		if strings.TrimLeft(arg, "-") == name || strings.HasPrefix(strings.TrimLeft(arg, "-"), name+"=") {
			return arg[:len(arg)-len(strings.TrimLeft(arg, "-"))] + name
		}
	}
	return "--" + name
}
