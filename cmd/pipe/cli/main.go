package cli

import (
	"context"
	"log"
	"os"
	"runtime/debug"

	"golang.org/x/term"

	pluginhost "github.com/pipe-engine/pipe/plugins/host"
)

// gcPercent trades a tenth of the CPU for a third of the memory, since runs
// happen in small containers at night. GOGC in the environment wins.
const gcPercent = 50

// Main runs the program with the arguments, streams and signals of its process, and
// ends the process with the exit code.
func Main() {
	pluginhost.RunSubreaper()
	seal()
	abortOnCrash()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(execute(context.Background(), host{
		args:   os.Args,
		env:    os.LookupEnv,
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		signal: signals(),
		exit:   os.Exit,
		logs:   log.SetOutput,

		interactive: term.IsTerminal(int(os.Stdin.Fd())),
	}))
}
