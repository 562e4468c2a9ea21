package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

func (a *app) processCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "process",
		Usage:     "have Glean process uploads now, not in about 20 minutes",
		ArgsUsage: "FILE",
		Description: "Memberships take effect, documents are indexed and pending deletions happen. Glean accepts this " +
			"once in three hours.",
		Action: a.processAction,
	}
}

func (a *app) processAction(c *urfave.Context) error {
	if err := noWords(c, ""); err != nil {
		return err
	}
	return a.operate(c, loading{unpinned: true}, func(ctx context.Context, o *operating) error {
		processor, can := o.Pipeline.Sink.(component.Processor)
		if !can {
			return o.sinkCannot("has nothing to process")
		}
		if err := processor.Process(ctx); err != nil {
			return err
		}
		if c.Bool("json") {
			return a.printJSON(map[string]bool{"processing": true}, nil)
		}
		display.Fprintln(a.Stdout, "Glean is processing the uploads; it accepts the next such request in three hours")
		display.Fprintln(a.Stdout, a.named("`pipe status FILE` shows the progress"))
		return nil
	})
}
