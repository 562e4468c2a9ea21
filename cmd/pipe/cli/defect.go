package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/report"
)

// defect is a panic of the program.
type defect struct {
	value any
	stack []byte
}

var _ report.Coded = (*defect)(nil)

// Code is the error's code in JSON.
func (d *defect) Code() string { return "defect" }

// Hint is what to do about it.
func (d *defect) Hint() string {
	return "please report it with the lines below; if a run had started to send, the next run completes it"
}

func (d *defect) Error() string { return fmt.Sprintf("this is a defect in pipe: %v", d.value) }

// printStack prints the stack of a defect.
func (a *app) printStack(err error) {
	var d *defect
	if errors.As(err, &d) {
		display.Fprintf(a.Stderr, "\n  %s\n", display.Block(display.Whole(string(display.Indent(string(d.stack), "  ")))))
	}
}

// AbortOnCrash makes an unrecoverable panic end the program with SIGABRT (134 in a shell):
// the runtime's own exit code, 2, would mean that the file is wrong.
func AbortOnCrash() { debug.SetTraceback("crash") }

// unwritten returns why the output is incomplete, nil if it is complete or its reader
// stopped early, as head does.
func (a *app) unwritten() error {
	out, ok := a.Stdout.(*writer)
	if !ok {
		return nil
	}
	err := out.Err()
	if brokenPipe(err) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
