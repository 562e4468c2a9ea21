package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/config"
)

// arrange puts the flags of a call before its other words, since the library
// takes a flag after a file for another file. What follows -- stays as it is.
func arrange(c *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	flags := globalFlags()
	var words, options []string
	commands := c.Commands
	rest := args[1:]
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		switch {
		case arg == "--":
			return slices.Concat(args[:1], words[:min(1, len(words))], options, []string{"--"}, words[min(1, len(words)):], rest[i+1:])
		case strings.HasPrefix(arg, "-") && arg != "-":
			options = append(options, arg)
			if takesValue(flags, arg) && i+1 < len(rest) {
				i++
				options = append(options, rest[i])
			}
		default:
			if len(words) == 0 {
				for _, cmd := range commands {
					if cmd.HasName(arg) {
						flags = append(flags, cmd.Flags...)
					}
				}
			}
			words = append(words, arg)
		}
	}
	if len(words) == 0 {
		return args
	}
	return slices.Concat(args[:1], words[:1], options, words[1:])
}

// takesValue tells whether a flag as it was written is followed by its value.
func takesValue(flags []cli.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		d, ok := f.(cli.DocGenerationFlag)
		return ok && d.TakesValue()
	}
	return false
}

func nearestCommand(name string) string {
	if near := config.Nearest(name, []string{"run", "check", "doctor", "config", "show", "version", "help"}); near != "" {
		return "did you mean pipe " + near + "?"
	}
	return "pipe help lists the commands"
}
