package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/dotenv"
)

// host is everything that the program takes from the process around it, so
// that tests run the whole of it.
type host struct {
	args   []string
	env    func(string) (string, bool)
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	signal <-chan os.Signal
	// exit ends the process, for a signal that no command waits for.
	exit func(code int)
	// logs sends what libraries log through the standard logger to a writer: net/http
	// quotes answers that no request asked for. Nil leaves it alone.
	logs func(io.Writer)
	// interactive says that a person can answer at stdin.
	interactive bool
}

// app is one run of the program.
type app struct {
	host
	registry engine.Registry
	redactor *connection.Redactor
	envFile  *dotenv.File
	// envFileSkipped says that there is a .env and that CI is not given it.
	envFileSkipped bool
	unreadReported bool // the names in .env that nothing reads
	log            *slog.Logger
	stopped        atomic.Int32 // the exit code of the signal that stopped it, 0 when none did
	watching       atomic.Bool  // a command waits for signals
	announced      sync.Mutex   // held from a signal until it was printed
	shown          bool         // the error has been printed already
	names          []string     // of the commands
	commands       []*cli.Command
	given          *cli.Context // the call, for its flags
	file           string       // the pipeline file of the call, "" when it names none
	unknown        error        // a command that there is not, which the library passes over
	approvable     bool         // a refusal of this call can be approved
}

// The exit codes, which scripts and schedulers rely on.
const (
	exitDone        = 0
	exitFailed      = 1 // worth another try
	exitWrong       = 2 // the pipeline or the call is wrong
	exitRejected    = 3 // done, some records rejected
	exitRefused     = 4 // by a guard: a person must look
	exitChanges     = 5 // a plan or a diff has changes
	exitHeld        = 6 // another run holds the datasource
	exitUnconfirmed = 7 // delivered, but the sink has paused or not confirmed

	exitSignal = 128 // plus the number of the signal: 129 SIGHUP, 130 SIGINT, 131 SIGQUIT, 143 SIGTERM
)

// exit is an error that only carries an exit code: everything has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// usage is a call that is wrong.
type usage struct{ message, hint string }

func (u usage) Error() string { return u.message }

func run(ctx context.Context, h host) (code int) {
	secrets := &connection.Redactor{}
	h.stdout, h.stderr = newWriter(h.stdout, secrets), newWriter(h.stderr, secrets)
	a := &app{host: h, registry: components(), redactor: secrets, log: slog.New(slog.DiscardHandler)}
	if h.logs != nil {
		h.logs(a.stderr)
	}
	a.relaySignals()
	defer func() {
		if v := recover(); v != nil {
			code = a.finish(&defect{v, debug.Stack()})
		}
	}()
	c := a.cli()
	err := c.RunContext(ctx, arrange(c, h.args))
	if err == nil {
		err = a.unknown
	}
	return a.finish(err)
}

func (a *app) cli() *cli.App {
	c := &cli.App{
		Name:                      "pipe",
		Usage:                     "run declarative pipelines: the Backstage catalog into Glean, each document for the people who may see it",
		Version:                   version(),
		HideVersion:               true, // arrange takes --version for the command
		Writer:                    a.stdout,
		ErrWriter:                 a.stderr,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
		CommandNotFound: func(_ *cli.Context, name string) {
			a.unknown = usage{fmt.Sprintf("there is no command %q", name), nearestCommand(a.names, name)}
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage{fmt.Sprintf("there is no command %q", c.Args().First()), nearestCommand(a.names, c.Args().First())}
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{a.runCommand(), a.checkCommand(), a.testCommand(), a.explainCommand(), a.evalCommand(), a.diffCommand(), a.doctorCommand(), a.configCommand(), a.showCommand(),
			a.statusCommand(), a.datasourceCommand(), a.approveCommand(), a.adoptCommand(), a.stateCommand(), a.hideCommand(), a.pushCommand(), a.purgeCommand(), a.processCommand(), a.tokenCommand(), a.sandboxCommand(), a.pluginCommand(),
			a.initCommand(), a.schemaCommand(), a.componentsCommand(), a.functionsCommand(), a.completionCommand(), a.versionCommand()},
	}
	a.complete(c.Commands, c.OnUsageError)
	a.commands = c.Commands
	for _, cmd := range c.Commands {
		a.names = append(a.names, cmd.Names()...)
	}
	return c
}

// complete gives every command what all of them have.
func (a *app) complete(commands []*cli.Command, onUsageError cli.OnUsageErrorFunc) {
	for _, cmd := range commands {
		cmd.OnUsageError = onUsageError
		cmd.HideHelpCommand = true
		if len(cmd.Subcommands) > 0 {
			cmd.Action = subcommandNeeded
			a.complete(cmd.Subcommands, onUsageError)
			continue
		}
		cmd.Flags = append(cmd.Flags, globalFlags()...)
		cmd.Before = a.before
	}
}

// globalFlags are taken by every command, before or after its file.
func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Category: "everywhere", Usage: "print one JSON object {ok, data, error}"},
		&cli.StringFlag{Name: "log-level", Category: "everywhere", Usage: "debug, info, warning or error (LOG_LEVEL)"},
		&cli.StringFlag{Name: "log-format", Category: "everywhere", Value: "text", Usage: "text or json"},
		&cli.BoolFlag{Name: "no-color", Category: "everywhere", Usage: "no colours (NO_COLOR)"},
		&cli.StringFlag{Name: "env-file", Category: "everywhere", Usage: "variables for what the environment does not set (default: .env in the working directory, not with CI=true)"},
		&cli.StringFlag{Name: "state", Category: "everywhere", Usage: "the folder `DIR` that remembers the last good run, or none (default: the user's own, pipe in $XDG_STATE_HOME or ~/.local/state)"},
		&cli.StringSliceFlag{Name: "set", Category: "everywhere", Usage: "replace one value of the file: `PATH=VALUE`, such as source.backstage.page_size=100; ${NAME} in it is replaced as in the file, and $${ is the text ${"},
	}
}

// before runs ahead of every command: logging and variables.
func (a *app) before(c *cli.Context) error {
	if path := c.Args().First(); isFile(path) {
		a.file, a.given = path, c
	}
	if err := a.readEnvFile(c.String("env-file")); err != nil {
		return err
	}
	return a.openLog(c)
}

// finish prints an error once, for a person or as JSON, and gives the code.
func (a *app) finish(err error) int {
	var code exit
	if err != nil && !errors.As(err, &code) && !a.shown {
		a.shown = true
		a.printError(err)
	}
	flush(a.stdout)
	result := a.code(err)
	if unwritten := a.unwritten(); unwritten != nil {
		display.Fprintf(a.stderr, "pipe: write standard output: %v\n  → what was printed is incomplete; free the space or write elsewhere\n", unwritten)
	}
	flush(a.stderr)
	return result
}

// code is the exit code of a call that ended with err.
func (a *app) code(err error) int {
	if stopped := a.stoppedBy(); stopped != 0 {
		return int(stopped)
	}
	switch code := exitCode(err); code {
	case exitDone, exitRejected, exitChanges:
		if a.unwritten() != nil {
			return exitFailed
		}
		return code
	default:
		return code
	}
}

func exitCode(err error) int {
	var code exit
	var refused *engine.Refusal
	var unconfirmed *engine.Unconfirmed
	var problems config.Problems
	var u usage
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &refused):
		return exitRefused
	case errors.As(err, new(*engine.Held)):
		return exitHeld
	case errors.As(err, &unconfirmed):
		return exitUnconfirmed
	case errors.As(err, &problems), errors.As(err, &u), errors.As(err, new(*engine.StateError)):
		return exitWrong
	}
	return exitFailed
}

func (a *app) wantsJSON() bool {
	for _, arg := range a.args {
		if arg == "--" {
			return false
		}
		if arg == "--json" || arg == "-json" || arg == "--json=true" {
			return true
		}
	}
	return false
}

type envelope struct {
	OK    bool       `json:"ok"`
	Data  any        `json:"data"`
	Error *errorBody `json:"error,omitempty"`
}

type errorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Table is what a guard refused, a line each.
	Table []string `json:"table,omitempty"`
	// Also is what another guard refuses at the same time.
	Also *errorBody `json:"also,omitempty"`
	// ID is what an approval of the refused run names, and Changes what it allows.
	ID      string          `json:"id,omitempty"`
	Approve string          `json:"approve,omitempty"` // the call that allows it
	Changes []engine.Change `json:"changes,omitempty"`
}

func bodyOf(err error) *errorBody {
	b := &errorBody{Code: errorCode(err), Message: err.Error(), Hint: hint(err), Table: tableOf(err)}
	var refused *engine.Refusal
	if errors.As(err, &refused) && refused.Also != nil {
		b.Also = bodyOf(refused.Also)
	}
	return b
}

// printJSON prints the one object that --json promises.
func (a *app) printJSON(data any, err error) error {
	e := envelope{OK: err == nil, Data: data}
	if err != nil {
		a.shown = true
		e.Error = bodyOf(err)
		a.approvalOf(err, e.Error)
		for b := e.Error; b != nil; b = b.Also {
			b.Message, b.Hint = a.named(b.Message), a.named(b.Hint)
			for i, line := range b.Table {
				b.Table[i] = a.named(line)
			}
		}
	}
	b, encErr := codec.MarshalIndent(e)
	if encErr != nil {
		return encErr
	}
	display.Fprintln(a.stdout, display.Block(b))
	return err
}

func (a *app) printError(err error) {
	if a.wantsJSON() {
		a.printJSON(nil, err)
		a.printStack(err)
		return
	}
	a.printOne(err)
	a.printStack(err)
	var refused *engine.Refusal
	if !errors.As(err, &refused) {
		return
	}
	if refused.Also != nil {
		a.printError(refused.Also)
		return
	}
	switch {
	case refused.ID == "" || !a.approvable:
	case refused.Used:
		display.Fprintf(a.stderr, "\nAn approval of these changes was used before. If they are intended again, allow\nthem once more, and then run again:\n  %s\n", display.Block(a.call("approve")+" "+refused.ID))
	default:
		display.Fprintf(a.stderr, "\nIf this is intended, allow exactly these changes once:\n  %s\n", display.Block(a.rerun(refused.ID)))
	}
}

// tableWidth is where the details of an error are wrapped.
const tableWidth = 80

func (a *app) printOne(err error) {
	display.Fprintf(a.stderr, "pipe: %s\n", display.Indent(a.named(err.Error()), "  "))
	for _, line := range tableOf(err) {
		line = a.named(line)
		text := strings.TrimLeft(line, " ")
		indent := "  " + line[:len(line)-len(text)]
		if len(indent)+len(text) <= tableWidth {
			display.Fprintf(a.stderr, "%s%s\n", indent, text)
			continue
		}
		for _, part := range wrapped(text, tableWidth-len(indent)) {
			display.Fprintf(a.stderr, "%s%s\n", indent, part)
		}
	}
	if h := a.named(hint(err)); h != "" {
		display.Fprintf(a.stderr, "  → %s\n", display.Indent(h, "    "))
	}
}

func tableOf(err error) []string {
	var refused *engine.Refusal
	if errors.As(err, &refused) {
		return slices.Concat(refused.Table, refused.Approvals)
	}
	return nil
}

func hint(err error) string {
	var refused *engine.Refusal
	var unconfirmed *engine.Unconfirmed
	var held *engine.Held
	var u usage
	var failed testsFailed
	var folder *engine.StateError
	switch {
	case errors.As(err, new(*defect)):
		return "please report it with the lines below; a run that had begun to send is made whole by the next one"
	case errors.As(err, &folder):
		return folder.Remedy
	case errors.As(err, &failed):
		return failed.hint
	case errors.As(err, &held):
		return held.Remedy
	case errors.As(err, &u):
		if u.hint == "" {
			return "see pipe help, or pipe COMMAND --help"
		}
		return u.hint
	case errors.As(err, &refused):
		return refused.Remedy
	case errors.As(err, &unconfirmed):
		return unconfirmed.Remedy
	}
	if remedy := engine.RemedyOf(err); remedy != "" || errors.Is(err, engine.ErrStopped) {
		return remedy
	}
	switch engine.ClassOf(err) {
	case engine.Transient:
		return "this may pass: run again, and look into the other end's log of this time if it does not"
	case engine.Throttled:
		return "the other end asks for a pause: run again later, or at a time when it has less to do"
	}
	return ""
}

func errorCode(err error) string {
	var refused *engine.Refusal
	var unconfirmed *engine.Unconfirmed
	var problems config.Problems
	var u usage
	switch {
	case errors.As(err, &u):
		return "usage"
	case errors.As(err, new(testsFailed)):
		return "tests"
	case errors.As(err, &problems):
		return "pipeline"
	case errors.As(err, &refused):
		return "refused"
	case errors.As(err, &unconfirmed):
		return "unconfirmed"
	case errors.As(err, new(*engine.Held)):
		return "held"
	case errors.As(err, new(*engine.StateError)):
		return "state"
	case errors.Is(err, engine.ErrStopped):
		return "stopped"
	}
	if errors.As(err, new(*defect)) {
		return "defect"
	}
	return engine.ClassOf(err).String()
}
