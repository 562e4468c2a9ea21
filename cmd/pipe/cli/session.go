package cli

import (
	"context"
	"log/slog"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/state"
)

// Session is one call of a program, for the commands of a Program.
type Session struct{ a *app }

// Usage returns the error of a call that is wrong, with what to write instead.
func Usage(message, hint string) error { return usage{message, hint} }

// ExitCode returns an error that only carries an exit code: everything has been said.
func ExitCode(code job.Class) error { return exit(code) }

// Common are the commands that every program has: completion, version and man.
func (s *Session) Common() []*urfave.Command {
	return []*urfave.Command{s.a.completionCommand(), s.a.versionCommand(), s.a.manCommand()}
}

// Lookup returns a variable: the real environment wins over the file of variables.
func (s *Session) Lookup(name string) (string, bool) { return s.a.lookup(name) }

// Secrets returns what removes secrets from all outputs.
func (s *Session) Secrets() *redact.Redactor { return s.a.redactor }

// Log returns the log of the call.
func (s *Session) Log() *slog.Logger { return s.a.log }

// LogRuns makes the log that of a server; see the flags of logs.
func (s *Session) LogRuns(c *urfave.Context) error { return s.a.logRuns(c) }

// Who returns the name of the user with that of the machine.
func (s *Session) Who() string { return s.a.who() }

// Job returns the options of a run by this program.
func (s *Session) Job() job.Options {
	return job.Options{Registry: s.a.Registry, Lookup: s.a.lookup, Version: version.Current().Version,
		Secrets: s.a.redactor, Log: s.a.log, SignIns: config.RefuseSignIns}
}

// Printf prints to standard output.
func (s *Session) Printf(format string, args ...any) { display.Fprintf(s.a.Stdout, format, args...) }

// Errorf prints to standard error.
func (s *Session) Errorf(format string, args ...any) { display.Fprintf(s.a.Stderr, format, args...) }

// Flush writes what was printed, for a command that goes on.
func (s *Session) Flush() { flush(s.a.Stdout) }

// JSON prints the one object that --json promises, and returns err.
func (s *Session) JSON(data any, err error) error { return s.a.printJSON(data, err) }

// Ask asks a person a question. It returns an error unless the answer is the wanted one; see flag for
// where standard input is not a terminal.
func (s *Session) Ask(ctx context.Context, question, want, flag string) error {
	return s.a.ask(ctx, question, want, flag)
}

// Problems prints warnings of a file.
func (s *Session) Problems(all config.Problems, source []byte) {
	s.a.render(s.a.Stderr, all, func(string) []byte { return source })
}

// FileError prints the problems of a file, of a program or of a pipeline, and returns them; other
// errors stay as they are.
func (s *Session) FileError(c *urfave.Context, err error) error { return s.a.fileError(c, err) }

// Serve calls a function until a signal, and returns when it has ended. The first signal closes stop;
// a second one ends ctx.
func (s *Session) Serve(ctx context.Context, f func(ctx context.Context, stop <-chan struct{}) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return serveUntil(s.a.watch(ctx, cancel), func(stop <-chan struct{}) error { return f(ctx, stop) })
}

// Interruptible returns a context that the first signal ends.
func (s *Session) Interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return s.a.interruptible(ctx)
}

// ApprovalFlags are the flags of Approve.
func ApprovalFlags() []urfave.Flag { return approvalFlags() }

// Approve stores an approval of a refused run and prints it, as pipe approve does. It reports whether
// the approval allows a run.
func (s *Session) Approve(c *urfave.Context, f *job.File, in state.Store, id string) (bool, error) {
	ids, err := approvalIDs([]string{id})
	if err != nil {
		return false, err
	}
	return s.a.approve(c, f, in, ids[0])
}

// AdoptFlags are the flags of Adopt.
func AdoptFlags() []urfave.Flag { return []urfave.Flag{progressFlag()} }

// Adopt shows what a run would take over and asks for an approval, as pipe adopt does. It reports
// whether one was stored. approve and run are the commands that follow.
func (s *Session) Adopt(c *urfave.Context, j *job.Job, approve, run string) (bool, error) {
	s.a.allowing = approve
	return s.a.adopt(c, j, c.Command.HelpName, func() string { return run })
}

// HideFlags are the flags of Hide.
func HideFlags() []urfave.Flag { return hideFlags() }

// Hide hides documents, or lets them back, and prints the result, as pipe hide does.
func (s *Session) Hide(c *urfave.Context, j *job.Job, refs []string) error {
	whole, err := j.WholeRefs(refs)
	if err != nil {
		return err
	}
	ctx, cancel := s.a.interruptible(c.Context)
	defer cancel()
	err = job.Located(j.Definition, s.a.hide(ctx, c, &operating{j, whole}))
	s.a.showProblems(c, j.Definition, err)
	return err
}
