package cli

import (
	"context"
	"fmt"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve/local"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

func (a *app) previewCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "preview",
		Usage:     "search as any person, before anything is published",
		ArgsUsage: "FILE",
		Description: "Reads the catalog as a dry run does, and serves a search page to a browser on this machine. Pick a " +
			"person to see what they would find after this run and what they find before it. A document shows each field " +
			"with its line in the file, the rule that decided, and everyone who finds it.\n\nNothing is sent, and none of " +
			"the sink's variables is needed. The page opens with a link that works once, within five minutes. The preview " +
			"ends after 30 minutes without use; the texts of the documents end with it.",
		Flags: slices.Concat(pageFlags(), []urfave.Flag{
			&urfave.StringFlag{Name: "progress", Value: "auto",
				Usage: "`HOW` progress is shown: auto, bar, plain, json or none"},
		}, sourceFlags()),
		Action: a.previewAction,
	}
}

func (a *app) previewAction(c *urfave.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	if c.Args().Len() > 1 {
		return usage{fmt.Sprintf("preview takes one file, but there are %d", c.Args().Len()),
			"preview them one after the other"}
	}
	if err := a.linkHasPlace(c); err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	server, err := local.Listen(ctx, local.Options{Listen: c.String("listen"), Page: "preview", Who: a.who(), Log: a.log})
	if err != nil {
		return err
	}
	defer server.Close()
	x, err := a.buildPreview(ctx, c, path)
	if err != nil {
		return err
	}
	defer x.Close()
	return a.servePage(ctx, c, server, preview.Handler(preview.Options{
		Index: x.Lend, Secrets: a.redactor, Log: a.log,
	}), served{
		about: fmt.Sprintf("%s, %s who can be picked", display.Plural(x.Documents, "document"),
			display.Plural(x.People(), "user")),
		facts: map[string]any{"documents": x.Documents, "people": x.People()},
		ended: "the preview was not used for 30 minutes and has ended",
	})
}

// buildPreview reads the catalog and indexes it.
func (a *app) buildPreview(ctx context.Context, c *urfave.Context, path string) (*preview.Index, error) {
	w, err := a.openWatched(ctx, c, path)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	shown, err := a.progress(c)
	if err != nil {
		return nil, err
	}
	x, err := preview.Build(ctx, w.Job, "", job.RunOptions{Progress: shown, Stop: ctx.Done()})
	shown.end()
	if err != nil {
		if a.stopped.Load() != 0 {
			err = fault.ErrStopped
		}
		a.showProblems(c, w.Definition, err)
		return nil, err
	}
	if !c.Bool("json") {
		print.Rejections(a.Stderr, x.Report, a.colors(c))
	}
	return x, nil
}
