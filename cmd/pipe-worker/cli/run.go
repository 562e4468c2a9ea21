package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fleet"
	"github.com/pipe-engine/pipe/engine/fleet/folder"
)

func (p *program) runCommand() *urfave.Command {
	return &urfave.Command{
		Name: "run", Usage: "take runs from a task queue until a signal",
		Description: "The first SIGTERM or SIGINT stops reading and lets an upload that has begun end, for up to " +
			"grace: in the " +
			"file; another worker goes on with what was stopped. A second signal ends everything.\n\n" +
			"A worker that has no contact to Temporal for the heartbeat time-out ends its runs before another " +
			"worker begins " +
			"them.",
		Flags: fileFlags(
			&urfave.StringFlag{Name: "task-queue", Usage: "the task queue `NAME`, instead of task_queue"},
			&urfave.StringFlag{Name: "pipelines", Usage: "the folder `DIR` of the fleet, instead of pipelines or git"},
			stateFlag(),
		),
		Action: p.run,
	}
}

func (p *program) run(c *urfave.Context) error {
	if c.Args().Present() {
		return cli.Usage("pipe-worker run takes no words", "name the file of the worker with --config FILE")
	}
	if err := p.LogRuns(c); err != nil {
		return err
	}
	w, err := p.worker(c)
	if err != nil {
		return err
	}
	return p.Serve(c.Context, func(ctx context.Context, stop <-chan struct{}) error {
		err := w.Run(ctx, fleet.RunOptions{Job: p.Job(), Log: p.Log(), Started: func(f *folder.Fleet) {
			if !c.Bool("json") {
				p.Problems(f.Warnings, f.Source)
			}
			p.Printf("fleet %s, %s: takes work from the task queue %s at %s\n", f.Name,
				display.Plural(len(f.Pipelines), "pipeline"), w.TaskQueue, w.Temporal.Address)
			p.Flush()
		}}, stop)
		return p.FileError(c, err)
	})
}
