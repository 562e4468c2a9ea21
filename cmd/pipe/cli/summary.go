package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/summary"
)

// summaryFlag names the file of a summary of something.
func summaryFlag(what string) urfave.Flag {
	return &urfave.StringFlag{Name: "summary", Usage: "append a summary of the " + what + " to `FILE` as Markdown, for " +
		"readers who need not find the documents, and print nothing else: counts, causes and rules, and IDs only of " +
		"documents that every datasource user finds"}
}

// summaryAlone refuses --summary with output that would name documents.
func summaryAlone(c *urfave.Context) error {
	switch {
	case !c.IsSet("summary"):
	case c.String("summary") == "":
		return usage{"--summary names no file", "write --summary FILE"}
	case c.Bool("json"):
		return usage{"--summary prints what any reader may see, but --json names every document", "use only one of the two"}
	}
	return nil
}

// hush drops all output until the function that it returns is called: notes, warnings, progress
// and what plugins print can name any document.
func (a *app) hush() (restore func()) {
	outputs := []io.Writer{a.Stdout, a.Stderr}
	divert := func(to io.Writer) {
		for _, w := range outputs {
			if out, is := w.(*writer); is {
				out.Flush()
				out.divert(to)
			}
		}
	}
	divert(io.Discard)
	return func() { divert(nil) }
}

// summarize writes a summary to the file of --summary and prints it. err is the error of the
// command, whose text is printed only when the file cannot be loaded: other errors can quote
// what came from the source or the sink.
func (a *app) summarize(c *urfave.Context, s *summary.Summary, err error) error {
	print.Summary(a.Stdout, s, a.colors(c))
	f, fileErr := os.OpenFile(c.String("summary"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if fileErr == nil {
		_, fileErr = io.WriteString(f, a.redactor.Clean(s.Markdown()))
		fileErr = errors.Join(fileErr, f.Close())
	}
	if fileErr != nil {
		return fmt.Errorf("--summary: %w", fileErr)
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*job.LoadError)):
		return a.loadError(c, err)
	}
	return exit(exitCode(err))
}

// classText is how a run ended, as a sentence.
func classText(class job.Class, dry bool) string {
	if dry && class == job.Done {
		return "Dry run: nothing was sent."
	}
	return map[job.Class]string{
		job.Done:        "Done.",
		job.Failed:      "Failed (exit 1).",
		job.Wrong:       "The file or the call is wrong (exit 2).",
		job.Rejected:    "Done, some records were rejected (exit 3).",
		job.Refused:     "Refused by a guard (exit 4).",
		job.Held:        "Another run uses the datasource (exit 6).",
		job.Unconfirmed: "Sent, not confirmed (exit 7).",
	}[class]
}
