package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
)

func (a *app) cli() *urfave.App {
	c := &urfave.App{
		Name:                      "pipe",
		Usage:                     "publish a Backstage catalog to Glean, each document for the people who may see it",
		Version:                   version.Current().Version,
		HideVersion:               true, // arrange handles --version for the command
		Writer:                    a.Stdout,
		ErrWriter:                 a.Stderr,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*urfave.Context, error) {},
		OnUsageError:              a.usageError,
		CommandNotFound: func(_ *urfave.Context, name string) {
			a.unknown = usage{fmt.Sprintf("there is no command %q", name), nearestCommand(a.names, name)}
		},
		Action: func(c *urfave.Context) error {
			if c.Args().Present() {
				return usage{fmt.Sprintf("there is no command %q", c.Args().First()), nearestCommand(a.names, c.Args().First())}
			}
			return nil
		},
		Commands: []*urfave.Command{a.runCommand(), a.checkCommand(), a.testCommand(), a.explainCommand(), a.evalCommand(),
			a.diffCommand(), a.playCommand(), a.previewCommand(), a.doctorCommand(), a.configCommand(), a.showCommand(),
			a.statusCommand(), a.datasourceCommand(), a.approveCommand(), a.adoptCommand(), a.auditCommand(), a.stateCommand(),
			a.hideCommand(),
			a.pushCommand(), a.purgeCommand(), a.processCommand(), a.tokenCommand(), a.secretCommand(), a.loginCommand(),
			a.sandboxCommand(), a.serveCommand(), a.agentCommand(), a.hubCommand(), a.verifyCommand(), a.triggerCommand(),
			a.pluginCommand(), a.lspCommand(), a.mcpCommand(),
			a.initCommand(), a.schemaCommand(), a.componentsCommand(), a.functionsCommand(), a.completionCommand(),
			a.versionCommand(), a.manCommand()},
	}
	a.complete(c.Commands, c.OnUsageError)
	a.commands = c.Commands
	for _, cmd := range c.VisibleCommands() {
		a.names = append(a.names, cmd.Names()...)
	}
	return c
}

// complete adds to every command what all of them have.
func (a *app) complete(commands []*urfave.Command, onUsageError urfave.OnUsageErrorFunc) {
	for _, cmd := range commands {
		cmd.OnUsageError = onUsageError
		cmd.HideHelpCommand = true
		if len(cmd.Subcommands) > 0 {
			a.complete(cmd.Subcommands, onUsageError)
			if isGroup(cmd) {
				cmd.Action = subcommandNeeded
				continue
			}
		}
		cmd.Flags = append(cmd.Flags, globalFlags()...)
		cmd.Before = a.before
	}
}

// everywhere is the category of the flags that every command accepts.
const everywhere = "everywhere"

// globalFlags are taken by every command, before or after its file.
func globalFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "json", Category: everywhere, Usage: "print one JSON object {ok, data, error}"},
		&urfave.StringFlag{Name: "log-level", Category: everywhere,
			Usage: "`LEVEL` of the log: debug, info, warning or error (LOG_LEVEL)"},
		&urfave.StringFlag{Name: "log-format", Category: everywhere, Value: "text",
			Usage: "`FORMAT` of the log: text (key=value) or json (default: lines for people)"},
		&urfave.BoolFlag{Name: "no-color", Category: everywhere, Usage: "no colours (NO_COLOR)"},
		&urfave.StringFlag{Name: "env-file", Category: everywhere,
			Usage: "`FILE` of variables that the environment does not set (default: .env, except with CI=true)"},
		&urfave.StringFlag{Name: "state", Category: everywhere,
			Usage: "the folder `DIR` with the state of earlier runs, or none (default: pipe in $XDG_STATE_HOME or " +
				"~/.local/state)"},
		&urfave.StringSliceFlag{Name: "set", Category: everywhere,
			Usage: "replace one value of the file: `PATH=VALUE`, as source.backstage.page_size=100; ${NAME} in it is " +
				"replaced as in the file, and $${ is a literal ${"},
	}
}
