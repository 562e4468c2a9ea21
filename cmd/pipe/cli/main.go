package cli

import (
	"context"
	"log"
	"os"

	"golang.org/x/term"

	"github.com/pipe-engine/pipe/cmd/internal/gcpace"
	"github.com/pipe-engine/pipe/engine/component"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
)

// heapFloor is how far the heap grows before it is collected, in bytes. GOGC in the
// environment wins.
const heapFloor = 48 << 20

// Main runs pipe with the arguments, streams and signals of its process, and ends the process
// with the exit code. Files can name the components of the registry.
func Main(registry component.Registry) { MainOf(nil, registry) }

// MainOf is Main for another program; nil is pipe.
func MainOf(program *Program, registry component.Registry) {
	pluginhost.RunSubreaper()
	seal()
	AbortOnCrash()
	if os.Getenv("GOGC") == "" {
		gcpace.Pace(heapFloor)
	}
	os.Exit(Run(context.Background(), Host{
		Program:  program,
		Registry: registry,

		Args:   os.Args,
		Env:    os.LookupEnv,
		Stdin:  os.Stdin,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Signal: signals(),
		Exit:   os.Exit,
		Logs:   log.SetOutput,

		Interactive: term.IsTerminal(int(os.Stdin.Fd())),
		Person:      person(os.Stdin, os.Stderr),
	}))
}

// person reports whether a person watches the program: both files are terminals.
func person(stdin, stderr *os.File) bool {
	return term.IsTerminal(int(stdin.Fd())) && term.IsTerminal(int(stderr.Fd()))
}
