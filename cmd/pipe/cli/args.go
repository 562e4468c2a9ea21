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

// arrange puts the flags of a call before its other words, since the library
// takes a flag after a file for another file. What follows -- stays as it is.
func arrange(c *urfave.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	if args[1] == "--version" || args[1] == "-v" {
		return []string{args[0], "version"}
	}
	flags := globalFlags()
	commands := c.Commands
	var path, words, options []string // the command's name, the other words, the flags
	rest := args[1:]
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		if arg == "--" {
			words = append(words, rest[i:]...)
			break
		}
		if strings.HasPrefix(arg, "-") && arg != "-" {
			options = append(options, arg)
			if takesValue(flags, arg) && i+1 < len(rest) {
				i++
				options = append(options, rest[i])
			}
			continue
		}
		at := slices.IndexFunc(commands, func(cmd *urfave.Command) bool { return len(words) == 0 && cmd.HasName(arg) })
		if at < 0 {
			words = append(words, arg)
			commands = nil
			continue
		}
		path = append(path, arg)
		flags = append(flags, commands[at].Flags...)
		commands = commands[at].Subcommands
	}
	if len(path) == 0 {
		if len(words) > 1 && words[0] == "help" {
			return slices.Concat(args[:1], words[1:], []string{"--help"})
		}
		return args
	}
	return slices.Concat(args[:1], path, options, words)
}

// takesValue tells whether a flag as it was written is followed by its value.
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

func nearestCommand(names []string, name string) string {
	if near := config.Nearest(name, append(names, "help")); near != "" {
		return "did you mean pipe " + near + "?"
	}
	return "pipe help lists the commands"
}

// subcommandNeeded is the action of a command that does nothing without one of
// its subcommands.
func subcommandNeeded(c *urfave.Context) error {
	if !c.Args().Present() {
		return urfave.ShowSubcommandHelp(c)
	}
	asked := c.Args().First()
	var names []string
	for _, sub := range c.Command.Subcommands {
		names = append(names, sub.Names()...)
	}
	hint := "pipe " + c.Command.Name + " takes " + print.List(names)
	if near := config.Nearest(asked, names); near != "" {
		hint = "did you mean pipe " + c.Command.Name + " " + near + "?"
	}
	return usage{fmt.Sprintf("there is no command %q", c.Command.Name+" "+asked), hint}
}

// noUnit is what the library says of a duration that is a number alone.
var noUnit = regexp.MustCompile(`invalid value "([0-9.]+)" for flag -([a-z-]+): parse error`)

// removedFlags are flags of earlier versions, with what to use instead.
var removedFlags = map[string]string{
	"approve-loss":  "an approval names the refused run: pipe run --approve ID FILE, with the ID that the refusal printed",
	"approve-widen": "an approval names the refused run: pipe run --approve ID FILE, with the ID that the refusal printed",
}

// badWait is what the library says of a value of --wait.
var badWait = regexp.MustCompile(`invalid boolean value "([^"]*)" for -wait: `)

// usageError is what is wrong with the flags of a call, in the words of the
// other messages.
func usageError(c *urfave.Context, err error, _ bool) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
			return usage{"--" + strings.TrimLeft(name, "-") + " needs a value", ""}
		}
		if m := noUnit.FindStringSubmatch(err.Error()); m != nil {
			return usage{"--" + m[2] + " takes a time with its unit, and " + m[1] + " has none",
				"write " + m[1] + "s or " + m[1] + "m"}
		}
		if m := badWait.FindStringSubmatch(err.Error()); m != nil {
			return usage{"--wait=" + m[1] + " is not a time of more than 0 with its unit",
				"write --wait, which waits 30 minutes, or --wait=1h"}
		}
		return usage{message: err.Error()}
	}
	name = strings.TrimLeft(name, "-")
	if hint := removedFlags[name]; hint != "" {
		return usage{"--" + name + " was removed", hint}
	}
	u := usage{message: "there is no flag --" + name}
	if c.Command == nil {
		return u
	}
	var known []string
	for _, f := range append(c.Command.Flags, globalFlags()...) {
		known = append(known, f.Names()...)
	}
	u.hint = c.Command.HelpName + " --help lists the flags"
	if near := config.Nearest(name, known); near != "" {
		u.hint = "did you mean --" + near + "?"
	}
	return u
}
