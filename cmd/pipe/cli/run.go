package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/summary"
	"github.com/pipe-engine/pipe/engine/trace"
)

func (a *app) runCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "run",
		Usage:     "read the catalog, review the changes, and publish them",
		ArgsUsage: "FILE",
		Description: "Nothing is sent before the whole catalog has been read and the guards have passed.\n\nExit " +
			"codes: 0 done. 1 failed. 2 the file or the call is wrong. 3 done, some records were rejected. 4 " +
			"refused by a guard. 6 another run uses the datasource. 7 sent, but Glean paused a deletion, lost " +
			"the upload or did not confirm within --wait. 129, 130, 131 and 143: stopped by SIGHUP, SIGINT, " +
			"SIGQUIT or SIGTERM. If standard output cannot be written, 0, 3 and 5 become 1; a reader that stops " +
			"early, such as head, changes nothing. A stack trace is a defect in pipe.",
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "dry-run", Usage: "read and review, send nothing"},
			&urfave.BoolFlag{Name: "sandbox", Usage: "use a Backstage and a Glean on this machine, started for " +
				"this call"},
			&urfave.StringFlag{Name: "catalog",
				Usage: "with --sandbox: serve the entities of this `FILE` (JSON, an answer of the catalog's API, " +
					"NDJSON or YAML)"},
			&urfave.StringFlag{Name: "output",
				Usage: "write every stream to `DIR` as NDJSON, exactly as the sink gets it, and rejected.ndjson"},
			&urfave.BoolFlag{Name: "full", Usage: "publish everything, whatever publish.mode is"},
			&urfave.BoolFlag{Name: "changes", Usage: "publish only changes, and fail where they are not known"},
			&urfave.StringFlag{Name: "from-output",
				Usage: "publish what an earlier run wrote to `DIR` with --output, and read nothing; more people " +
					"than by the last " +
					"run find nothing without an approval"},
			&urfave.StringSliceFlag{Name: "only", Usage: "write only these `STREAMS`, separated by commas"},
			&urfave.StringSliceFlag{Name: "approve", Usage: "approve the changes of the refused run `ID`, once"},
			&urfave.StringSliceFlag{Name: "discard-upload", Usage: "give up the unfinished upload `ID`"},
			&urfave.BoolFlag{Name: "apply-datasource",
				Usage: "set the datasource up before publishing, as pipe datasource apply does"},
			allowUnpinned(),
			&urfave.StringFlag{Name: "report", Usage: "append one line of JSON about the run to `FILE`"},
			&urfave.StringFlag{Name: "metrics-file",
				Usage: "write the run's metrics to `FILE`, in the text format of Prometheus"},
			htmlFlag("run"),
			summaryFlag("run"),
			&urfave.DurationFlag{Name: "timeout", Usage: "the most `TIME` that the run may take, as 2h"},
			newWaitFlag("when everything is sent, wait until Glean has processed it, and exit with 7 if it does not"),
			&urfave.BoolFlag{Name: "quiet", Usage: "print one line, and what needs attention"},
			&urfave.StringFlag{Name: "progress", Value: "auto",
				Usage: "`HOW` progress is shown: auto, bar, plain, json or none"},
		},
		Action: a.runAction,
	}
}

func (a *app) runAction(c *urfave.Context) error {
	if err := spacedWait(c); err != nil {
		return err
	}
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	if c.Args().Len() > 1 {
		return usage{fmt.Sprintf("run takes one file, but there are %d",
			c.Args().Len()), "run them one after the other"}
	}
	if c.IsSet("catalog") && !c.Bool("sandbox") {
		return usage{"--catalog goes with --sandbox", "add --sandbox: a catalog file is served by a server on " +
			"this machine"}
	}
	if err := errors.Join(fromOutputAlone(c), summaryAlone(c)); err != nil {
		return err
	}
	if c.IsSet("wait") && c.Bool("dry-run") {
		return usage{"--wait needs a run that sends something, but --dry-run sends nothing", "use only one of the " +
			"two"}
	}
	if c.Bool("full") && c.Bool("changes") {
		return usage{"--full sends everything, but --changes only what changed", "use only one of the two"}
	}
	ids, err := approvalIDs(c.StringSlice("approve"))
	if err != nil {
		return err
	}
	if c.Bool("apply-datasource") && c.Bool("dry-run") {
		return usage{"--apply-datasource changes the datasource, but --dry-run changes nothing",
			"`pipe datasource plan FILE` shows what would change"}
	}
	a.approvable = true
	return a.runFile(c, path, ids)
}

// fromOutputAlone refuses flags that --from-output cannot use.
func fromOutputAlone(c *urfave.Context) error {
	if !c.IsSet("from-output") {
		return nil
	}
	const why = "--from-output publishes what an earlier run wrote: "
	switch {
	case c.String("from-output") == "":
		return usage{"--from-output names no folder", "name the folder that --output of an earlier run wrote"}
	case c.IsSet("catalog"):
		return usage{why + "--catalog would not be read", "use only one of the two"}
	case c.Bool("sandbox"):
		return usage{why + "the servers of --sandbox do not have it", "leave --sandbox out; --dry-run sends nothing"}
	case c.IsSet("output"):
		return usage{why + "--output would write the same again", "copy the folder instead"}
	}
	return nil
}

// glance is how long a run in a terminal waits for Glean without --wait.
const glance = 10 * time.Second

// runFile runs a file once.
func (a *app) runFile(c *urfave.Context, path string, approvals []string) error {
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	open, err := a.options(c, path, loading{only: commaList(c.StringSlice("only")), sinkLenient: c.Bool("dry-run"),
		noSource: c.IsSet("from-output")})
	if err != nil {
		return err
	}
	open.Tracer = trace.Start(ctx, open.Version, a.log)
	defer open.Tracer.Close()
	q := job.Request{
		Open: open, Report: c.String("report"), Metrics: c.String("metrics-file"), HTML: c.String("html"),
		Calls: a.pageCalls(),
		Run: job.RunOptions{
			Discard: c.StringSlice("discard-upload"), Approve: approvals, By: a.who(),
			ApplyDatasource: c.Bool("apply-datasource"), Output: c.String("output"),
			FromOutput: c.String("from-output"),
		},
		ExitCode: func(class job.Class) int {
			flush(a.Stdout)
			return a.codeOf(int(class))
		},
	}
	if c.Bool("dry-run") {
		q.Run.Until = run.Reviewed
	}
	switch {
	case c.Bool("full"):
		q.Run.Publish = component.PublishFull
	case c.Bool("changes"):
		q.Run.Publish = component.PublishChanges
	}
	if c.IsSet("timeout") {
		timeout := c.Duration("timeout")
		q.Run.Timeout = &timeout
	}
	var shown progress
	q.Run.Ready = func(o *job.RunOptions) (err error) {
		if shown, err = a.progress(c); err != nil {
			return err
		}
		o.Progress = shown
		switch o.Wait = waitOf(c); {
		case o.Wait > 0:
			o.MustConfirm = true
		case shown.shown():
			o.Wait = glance
		}
		o.Stop = a.watch(ctx, cancel)
		return nil
	}
	q.Ended = func(j *job.Job, r *job.Result) {
		shown.end()
		if c.IsSet("summary") {
			return
		}
		if err := a.reportRun(c, r, j.Sandbox); err != nil && r.Err == nil {
			r.Err = err
		}
		a.showProblems(c, j.Definition, r.Err)
	}
	if c.IsSet("summary") {
		restore := a.hush()
		r := job.Run(ctx, q)
		restore()
		about := summary.Run(path, r.Report, r.Err, classText(r.Class, c.Bool("dry-run")))
		if err := a.summarize(c, about, r.Err); err != nil || r.Class != job.Rejected {
			return err
		}
		return exit(job.Rejected)
	}
	r := job.Run(ctx, q)
	if r.Class == job.Rejected {
		return exit(job.Rejected)
	}
	return a.loadError(c, r.Err)
}

// showProblems renders problems of the file that were found after its check, as check does.
func (a *app) showProblems(c *urfave.Context, d *pipeline.Definition, err error) {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return
	}
	a.nameHints(problems)
	if !c.Bool("json") {
		a.render(a.Stderr, problems, func(string) []byte { return d.Document.Source() })
		a.shown = true
	}
}

// reportRun prints the outcome. It fails when the sandbox cannot be summed up.
func (a *app) reportRun(c *urfave.Context, r *job.Result, box *job.Sandbox) error {
	if c.Bool("json") {
		if problems := (config.Problems)(nil); errors.As(r.Err, &problems) {
			a.nameHints(problems)
		}
		a.printJSON(r.Report, r.Err)
		return nil
	}
	if c.Bool("quiet") {
		print.Attention(a.Stdout, r.Report, a.colors(c), a.named)
		return nil
	}
	print.Report(a.Stdout, r.Report, a.colors(c), a.named)
	if dir := c.String("output"); dir != "" && r.Report.Verdict == run.VerdictDry {
		display.Fprintf(a.Stdout, "\n%s has everything that would be sent. After a change, show its effect with:\n "+
			" %s\n", dir,
			display.Block(a.call("diff --against "+shellWord(dir))))
	}
	if box != nil && r.Report.Sent {
		if err := a.printSandbox(box); err != nil {
			return err
		}
	}
	a.next(c, afterRun(r, box))
	return nil
}

// printSandbox prints the contents of a sandbox's servers.
func (a *app) printSandbox(s *job.Sandbox) error {
	for _, one := range []*component.Sandbox{s.Source, s.Sink} {
		if one.Summary != nil {
			display.Fprintln(a.Stdout)
			if err := one.Summary(a.Stdout); err != nil {
				return err
			}
		}
	}
	return nil
}

// graceAfterSecond is how long the program may take to end after a second signal.
const graceAfterSecond = 3 * time.Second

// watch turns the first signal into a stop and the second into an end. After a stop, a
// running upload is completed. ctx is that of the command.
func (a *app) watch(ctx context.Context, end context.CancelFunc) <-chan struct{} {
	stop := make(chan struct{})
	if a.Signal == nil {
		return stop
	}
	a.watching.Store(true)
	go func() {
		var s os.Signal
		select {
		case s = <-a.Signal:
		case <-ctx.Done():
			return
		}
		a.announced.Lock()
		a.stopped.Store(int32(signalCode(s)))
		close(stop)
		display.Fprintf(a.Stderr, "%s: %s: stopping; a second signal stops it at once\n", a.program().Name, s)
		a.announced.Unlock()
		select {
		case <-a.Signal:
			end()
			if a.Exit != nil { // code that ignores its context must not hold it
				time.AfterFunc(graceAfterSecond, func() { a.Exit(int(a.stopped.Load())) })
			}
		case <-ctx.Done():
		}
	}()
	return stop
}

// stoppedBy is the exit code of the signal that stopped the command, 0 when none
// did. It returns after the signal was printed.
func (a *app) stoppedBy() int {
	a.announced.Lock()
	defer a.announced.Unlock()
	return int(a.stopped.Load())
}

// interruptible is a context that the first signal ends, for commands that
// have nothing to bring to its end.
func (a *app) interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	stop := a.watch(ctx, cancel)
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// commaList splits values at commas: users,groups is two streams.
func commaList(given []string) []string {
	var out []string
	for _, g := range given {
		for _, one := range strings.Split(g, ",") {
			if one = strings.TrimSpace(one); one != "" {
				out = append(out, one)
			}
		}
	}
	return out
}
