package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/component"
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
	registry component.Registry
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
	commands       []*urfave.Command
	given          *urfave.Context // the call, for its flags
	file           string          // the pipeline file of the call, "" when it names none
	unknown        error           // a command that there is not, which the library passes over
	approvable     bool            // a refusal of this call can be approved
}

func execute(ctx context.Context, h host) (code int) {
	secrets := &connection.Redactor{}
	h.stdout, h.stderr = newWriter(h.stdout, secrets), newWriter(h.stderr, secrets)
	a := &app{host: h, registry: components.Registry(), redactor: secrets, log: slog.New(slog.DiscardHandler)}
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
