package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/page"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/summary"
)

// usualOutput is the folder that diff compares with when none is named.
const usualOutput = "out"

func (a *app) diffCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "diff",
		Usage:     "show what a changed pipeline file would change in the index",
		ArgsUsage: "FILE",
		Description: "Before the change, write what would be sent: pipe run --dry-run --output out FILE. After it, " +
			"pipe diff FILE reads the catalog again and compares: first who finds what, then field by field. " +
			"It sends nothing to the sink and needs none of its variables. Use --sandbox for both or for " +
			"neither.\n\n" +
			"Exit codes: 0 nothing would change. 5 something would change. Others as for pipe run.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "against",
				Usage: "the folder `DIR` that run --output wrote (default: " + usualOutput + ", where it is there)"},
			&urfave.StringFlag{Name: "base",
				Usage: "compare a change that is not trusted: take addresses, credentials and programs from this `FILE`, and " +
					"from the other only what becomes of records"},
			&urfave.UintFlag{Name: "limit", Value: 50,
				Usage: "show the first `N` changes of who finds what, and as many others; 0 shows all"},
			&urfave.BoolFlag{Name: "sandbox", Usage: "read from a server on this machine that is started for it"},
			&urfave.StringFlag{Name: "catalog",
				Usage: "with --sandbox: serve the entities of this `FILE` (JSON, an answer of the catalog's API, NDJSON or YAML)"},
			&urfave.StringSliceFlag{Name: "only", Usage: "compare these `STREAMS` alone, separated by commas"},
			htmlFlag("comparison"),
			summaryFlag("comparison"),
			allowUnpinned(),
			&urfave.StringFlag{Name: "progress", Value: "auto",
				Usage: "`HOW` progress is shown: auto, bar, plain, json or none"},
		},
		Action: a.diffAction,
	}
}

func (a *app) diffAction(c *urfave.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	switch {
	case c.Args().Len() > 1:
		return usage{fmt.Sprintf("diff takes one file, but there are %d",
			c.Args().Len()), "compare them one after the other"}
	case c.IsSet("catalog") && !c.Bool("sandbox"):
		return usage{"--catalog goes with --sandbox", "add --sandbox: a catalog file is served by a server on this machine"}
	}
	if err := summaryAlone(c); err != nil {
		return err
	}
	dir := cmp.Or(c.String("against"), usualOutput)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return a.noOutput(dir)
	}
	if c.IsSet("summary") {
		return a.diffSummary(c, path, dir)
	}
	d, report, err := a.compareWith(c, path, dir)
	if d == nil || report == nil {
		return a.loadError(c, err)
	}
	if to := c.String("html"); to != "" {
		shown := page.DiffPage(page.Diff{Diff: d, Report: report, Err: err, File: path,
			Version: version.Current().Version}, a.pageCalls())
		if htmlErr := page.WriteFile(to, shown, a.redactor); htmlErr != nil {
			return errors.Join(fmt.Errorf("--html: %w", htmlErr), err)
		}
	}
	if c.Bool("json") {
		err = a.printJSON(d, err)
	} else {
		print.Diff(a.Stdout, d, a.colors(c))
		print.Rejections(a.Stdout, report, a.colors(c))
	}
	if err == nil && d.Any() {
		return exit(job.Changes)
	}
	return err
}

// diffSummary compares and prints what any reader of the pipeline file may see.
func (a *app) diffSummary(c *urfave.Context, path, dir string) error {
	restore := a.hush()
	d, report, err := a.compareWith(c, path, dir)
	restore()
	if d == nil || report == nil {
		return a.summarize(c, summary.Failed(path, err), err)
	}
	if err == nil && d.Any() {
		return cmp.Or(a.summarize(c, summary.Diff(path, d, report, nil), nil), error(exit(job.Changes)))
	}
	return a.summarize(c, summary.Diff(path, d, report, err), err)
}

func (a *app) noOutput(dir string) error {
	return usage{fmt.Sprintf("there is no folder %s with the output of a run", dir),
		"before the change, write it with " + a.call("run --dry-run --output "+shellWord(dir)) +
			"; or name another folder with --against DIR"}
}

// compareWith reads the source as a dry run does and compares the result. The report is nil
// when there was no comparison; the error explains that, or why such a run would be refused.
func (a *app) compareWith(c *urfave.Context, path, dir string) (*diff.Diff, *run.Report, error) {
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	o, err := a.options(c, path, loading{only: commaList(c.StringSlice("only")), sinkLenient: true, stateless: true})
	if err != nil {
		return nil, nil, err
	}
	j, err := job.Open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	defer j.Close()
	var shown progress
	d, report, err := j.Diff(ctx, dir, int(c.Uint("limit")), job.RunOptions{Ready: func(o *job.RunOptions) (err error) {
		if shown, err = a.progress(c); err != nil {
			return err
		}
		o.Progress, o.Stop = shown, a.watch(ctx, cancel)
		return nil
	}})
	if shown != nil {
		shown.end()
	}
	if d == nil {
		a.showProblems(c, j.Definition, err)
	}
	return d, report, err
}
