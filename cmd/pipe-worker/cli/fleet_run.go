package cli

import (
	"context"
	"errors"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/fleet"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
)

func (p *program) fleetRunCommand() *urfave.Command {
	return &urfave.Command{
		Name: "run", Usage: "run pipelines now",
		ArgsUsage: "PIPELINE…",
		Description: "When a run of the datasource goes on, it answers the request, unless it sends less. With " +
			"--wait the exit " +
			"code is that of the run, as for pipe run.",
		Flags: fileFlags(
			&urfave.BoolFlag{Name: "full", Usage: "publish everything"},
			&urfave.BoolFlag{Name: "wait", Usage: "wait until the run has ended and Glean has processed it"},
			allFlag(),
		),
		Action: p.fleetRun,
	}
}

// runJSON is what --json prints of a run.
type runJSON struct {
	Pipeline string `json:"pipeline"`
	*workflows.Begun
	Report *workflows.Report `json:"report,omitempty"`
}

func (p *program) fleetRun(c *urfave.Context) error {
	return p.with(c, "", func(o *fleet.Operation) error {
		names, err := chosen(c, o)
		if err != nil {
			return err
		}
		ctx, cancel := p.Interruptible(c.Context)
		defer cancel()
		out, err := p.ask(ctx, c, o, names)
		if err == nil && c.Bool("wait") {
			err = p.await(ctx, c, o, out)
		}
		if c.Bool("json") {
			p.JSON(out, err)
		}
		return err
	})
}

// ask asks for runs.
func (p *program) ask(ctx context.Context, c *urfave.Context, o *fleet.Operation, names []string) ([]runJSON, error) {
	out := []runJSON{}
	for _, name := range names {
		begun, err := o.Ask(ctx, name, workflows.ByPerson, p.Who(), c.Bool("full"))
		if err != nil {
			return out, err
		}
		out = append(out, runJSON{name, begun, nil})
		if !c.Bool("json") {
			p.Printf("%s: asked for a run, workflow %s\n", name, begun.Workflow)
			p.Flush()
		}
	}
	return out, nil
}

// await waits for the ends of runs. The exit code is the highest of the runs.
func (p *program) await(ctx context.Context, c *urfave.Context, o *fleet.Operation, all []runJSON) error {
	worst, failed := job.Done, error(nil)
	for i := range all {
		report, err := o.Await(ctx, all[i].Begun)
		if all[i].Report = report; report != nil && !c.Bool("json") {
			p.printReport(all[i].Pipeline, all[i].Pipeline, report)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", all[i].Pipeline, err))
			continue
		}
		worst = max(worst, fleet.ClassOf(report))
	}
	if failed != nil || worst == job.Done {
		return failed
	}
	return cli.ExitCode(worst)
}
