package cli

import (
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/editor/play"
	"github.com/pipe-engine/pipe/engine/serve/local"
)

// playIdle is how long a playground without use lasts: longer than a preview, since a person may have
// changes that are not saved.
const playIdle = 2 * time.Hour

func (a *app) playCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "play",
		Usage:     "edit a file in a browser and see the document and who finds it while you type",
		ArgsUsage: "FILE",
		Description: "Serves a page to a browser on this machine, with the file and what it makes of a sample entity: the " +
			"document, the rule that decided, who finds it, and the problems with their fixes. The sample is a fixture of " +
			"the file's tests, the company of the sandbox, or a recorded file in the folder.\n\nNothing is published. It " +
			"starts no plugin, resolves no secret, reads no variable of the environment and connects to nothing. The file " +
			"changes only by Save, and not when it changed on disk meanwhile. The page opens with a link that works once, " +
			"within five minutes, and ends after two hours without use.",
		Flags:  append(pageFlags(), &urfave.BoolFlag{Name: "read-only", Usage: "leave saving out"}),
		Action: a.playAction,
	}
}

func (a *app) playAction(c *urfave.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	if c.Args().Len() > 1 {
		return usage{fmt.Sprintf("play takes one file, but there are %d", c.Args().Len()), "open one page for each"}
	}
	if err := a.linkHasPlace(c); err != nil {
		return err
	}
	a.serving = true
	if err := a.openLog(c); err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	server, err := local.Listen(ctx, local.Options{Listen: c.String("listen"), Page: "play", Who: a.who(), Idle: playIdle,
		Log: a.log})
	if err != nil {
		return err
	}
	defer server.Close()
	page, err := play.New(play.Options{File: path, ReadOnly: c.Bool("read-only"), Host: editorHost(a.Registry),
		Session: server.Guard.Session, Secrets: a.redactor, Log: a.log})
	if err != nil {
		return err
	}
	return a.servePage(ctx, c, server, page, served{
		about: "The playground of " + display.Line(path),
		facts: map[string]any{"file": path},
		ended: "the playground was not used for two hours and has ended",
	})
}
