package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
)

// signals returns the signals that stop the program. SIGHUP stays ignored if it was ignored
// at the start, as with nohup.
func signals() <-chan os.Signal {
	c := make(chan os.Signal, 2)
	caught := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		caught = append(caught, syscall.SIGHUP)
	}
	signal.Notify(c, caught...)
	// Without it, a reader of the output that stops early would end a run in the
	// middle. Writes fail instead.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return c
}

// signalCode is the exit code of a program that a signal stopped.
func signalCode(s os.Signal) int {
	if number, ok := s.(syscall.Signal); ok {
		return exitSignal + int(number)
	}
	return int(job.Failed)
}

// graceToEnd is how long a command that does not wait for signals may take to end what it started, such
// as the command of a secret.
const graceToEnd = 250 * time.Millisecond

// relaySignals passes signals to the command that waits for them. Without such a command, a
// signal cancels the context and ends the process.
func (a *app) relaySignals(cancel context.CancelFunc) {
	if a.Signal == nil || a.Exit == nil {
		return
	}
	from, to := a.Signal, make(chan os.Signal, 2)
	a.Signal = to
	go func() {
		for s := range from {
			if !a.watching.Load() {
				a.ending.Store(true)
				a.stopped.Store(int32(signalCode(s)))
				cancel()
				time.Sleep(graceToEnd)
				a.Exit(signalCode(s))
			}
			select {
			case to <- s:
			default: // two are waiting, which end everything
			}
		}
	}()
}
