package cli

import (
	"context"
	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve/client"
)

func (a *app) triggerCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "trigger",
		Usage:     "ask a running pipe serve for a run",
		ArgsUsage: "PIPELINE",
		Description: "PIPELINE is its name or its file. The token needs the role trigger; it is in the variable " +
			tokenVariable + " or in the file of --token-file. Without --server, the server is the one on this machine that " +
			"uses the state folder. With --wait the exit code is that of the run.",
		Flags: append(serverFlags(),
			&urfave.BoolFlag{Name: "full", Usage: "publish everything"},
			&urfave.BoolFlag{Name: "dry-run", Usage: "read and review, send nothing"},
			newWaitFlag("wait up to 30 minutes until the run has ended"),
		),
		Action: a.triggerAction,
	}
}

func (a *app) triggerAction(c *urfave.Context) error {
	if err := spacedWait(c); err != nil {
		return err
	}
	if c.Args().Len() != 1 {
		return usage{"pipe trigger takes the name of one pipeline", "write pipe trigger backstage"}
	}
	var run *client.Run
	err := a.atServer(c, func(ctx context.Context, server *client.Client, pipeline string) (err error) {
		run, err = server.Trigger(ctx, pipeline, client.RunRequest{Full: c.Bool("full"), DryRun: c.Bool("dry-run")})
		if err == nil && waitOf(c) > 0 {
			err = server.Wait(ctx, pipeline, run, waitOf(c))
		}
		return err
	})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		if err := a.printJSON(run, nil); err != nil {
			return err
		}
	} else {
		a.printServedRun(run)
	}
	if run.Exit != nil && *run.Exit != int(job.Done) {
		a.shown = true
		return exit(max(*run.Exit, int(job.Failed)))
	}
	return nil
}

func (a *app) printServedRun(run *client.Run) {
	switch {
	case run.Ended != nil:
		display.Fprintf(a.Stdout, "run %s has ended: %s\n", run.ID, run.Verdict)
		for _, cause := range run.Causes {
			display.Fprintf(a.Stdout, "  %s\n", cause)
		}
	case run.Joined:
		display.Fprintf(a.Stdout, "run %s was asked for before and answers this call, too\n", run.ID)
	default:
		display.Fprintf(a.Stdout, "%s\n", begins(run.ID))
	}
}

// begins says that a run was asked for.
func begins(run string) string { return "run " + run + " begins as soon as the server can run it" }
