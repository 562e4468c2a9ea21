package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/dotenv"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Host is everything that the program takes from its process; tests run the whole program
// with their own.
type Host struct {
	// Program is the program that runs; nil is pipe.
	Program *Program
	// Registry has the components that a pipeline file can name.
	Registry component.Registry

	Args   []string
	Env    func(string) (string, bool)
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Signal <-chan os.Signal
	// Exit ends the process, for a signal that no command waits for.
	Exit func(code int)
	// Logs redirects the standard logger of libraries to a writer: net/http quotes
	// unsolicited answers. Nil leaves it unchanged.
	Logs func(io.Writer)
	// Interactive means that a person can answer at stdin.
	Interactive bool
	// Person means that a person can answer at stdin and reads stderr: the program may act
	// with the sign-in of that person.
	Person bool
	// Width is how many columns the lines of an output have that is no terminal; 0 means
	// 100.
	Width int
}

// app is one run of the program.
type app struct {
	Host
	plain    io.Writer // standard output for a protocol
	redactor *redact.Redactor
	envFile  *dotenv.File
	// envFileSkipped means that there is a .env that is not read because of CI=true.
	envFileSkipped bool
	unreadReported bool // the names in .env that nothing reads
	log            *slog.Logger
	stopped        atomic.Int32 // the exit code of the signal that stopped it, 0 when none did
	watching       atomic.Bool  // a command waits for signals
	ending         atomic.Bool  // a signal came that no command waits for
	announced      sync.Mutex   // held from a signal until it was printed
	shown          bool         // the error has been printed already
	names          []string     // of the commands
	commands       []*urfave.Command
	given          *urfave.Context // the call, for its flags
	file           string          // the pipeline file of the call, "" when it names none
	unknown        error           // a command that there is not, which the library passes over
	approvable     bool            // a refusal of this call can be approved
	allowing       string          // the command that approves it, without the ID; "" runs again with --approve
	serving        bool            // the call is a server
}

// Run runs one call of the program and returns its exit code.
func Run(ctx context.Context, h Host) (code int) {
	secrets, plain := &redact.Redactor{}, h.Stdout
	width := cmp.Or(h.Width, plainWidth)
	h.Stdout, h.Stderr = newWriter(h.Stdout, secrets, width), newWriter(h.Stderr, secrets, width)
	a := &app{Host: h, plain: plain, redactor: secrets, log: slog.New(slog.DiscardHandler)}
	if h.Logs != nil {
		h.Logs(a.Stderr)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.relaySignals(cancel)
	defer func() {
		if v := recover(); v != nil {
			code = a.finish(&defect{v, debug.Stack()})
		}
	}()
	if len(h.Args) > 1 && h.Args[1] == candidatesCall {
		a.printCandidates(ctx, h.Args[2:])
		return a.finish(nil)
	}
	c := a.cli()
	call := parse(c, h.Args, a.globalFlags())
	if topic, asked := call.helpOf(); asked {
		a.printHelp(topic, call.name())
		return a.finish(nil)
	}
	if err := a.findFile(&call); err != nil {
		return a.finish(err)
	}
	err := c.RunContext(ctx, call.args())
	if err == nil {
		err = a.unknown
	}
	return a.finish(err)
}

// before runs ahead of every command: logging and variables.
func (a *app) before(c *urfave.Context) error {
	if path := c.Args().First(); isFile(path) {
		a.file, a.given = path, c
	}
	if err := a.readEnvFile(c.String("env-file")); err != nil {
		return err
	}
	return a.openLog(c)
}

// finish prints an error once, for a person or as JSON, and returns the exit code.
func (a *app) finish(err error) int {
	var code exit
	if err != nil && !errors.As(err, &code) && !a.shown && !a.ending.Load() {
		a.shown = true
		a.printError(err)
	}
	flush(a.Stdout)
	result := a.code(err)
	if unwritten := a.unwritten(); unwritten != nil {
		display.Fprintf(a.Stderr,
			"%s: write standard output: %v\n  → what was printed is incomplete; free the space or write elsewhere\n",
			a.program().Name, unwritten)
	}
	flush(a.Stderr)
	return result
}
