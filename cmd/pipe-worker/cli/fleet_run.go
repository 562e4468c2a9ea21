package cli

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/fleet"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
)

func (p *program) fleetRunCommand() *urfave.Command {
	return &urfave.Command{
		Name: "run", Usage: "run a pipeline now",
		ArgsUsage: "PIPELINE",
		Description: "When a run of the datasource goes on, it answers the request, unless it sends less. With " +
			"--wait the exit " +
			"code is that of the run, as for pipe run.",
		Flags: fileFlags(
			&urfave.BoolFlag{Name: "full", Usage: "publish everything"},
			&urfave.BoolFlag{Name: "wait", Usage: "wait until the run has ended and Glean has processed it"},
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
	name, err := onePipeline(c)
	if err != nil {
		return err
	}
	return p.with(c, "", func(o *fleet.Operation) error {
		begun, err := o.Ask(c.Context, name, workflows.ByPerson, p.Who(), c.Bool("full"))
		if err != nil {
			return err
		}
		out := runJSON{name, begun, nil}
		if !c.Bool("json") {
			p.Printf("%s: asked for a run, workflow %s\n", name, begun.Workflow)
			p.Flush()
		}
		if c.Bool("wait") {
			if out.Report, err = o.Await(c.Context, begun); out.Report != nil && !c.Bool("json") {
				p.printReport(name, out.Report)
			}
		}
		if err == nil && out.Report != nil {
			if class := fleet.ClassOf(out.Report); class != job.Done {
				err = cli.ExitCode(class)
			}
		}
		if c.Bool("json") {
			p.JSON(out, err)
		}
		return err
	})
}
