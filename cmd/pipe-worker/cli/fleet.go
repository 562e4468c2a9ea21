package cli

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/fleet"
)

func (p *program) fleetCommand() *urfave.Command {
	return &urfave.Command{
		Name: "fleet", Usage: "make and show the schedules of a fleet, and act on its pipelines",
		Subcommands: []*urfave.Command{p.planCommand(), p.applyCommand(), p.statusCommand(), p.fleetRunCommand(),
			p.approveCommand(), p.adoptCommand(), p.hideCommand(), p.pauseCommand()},
	}
}

// with calls a function with the fleet of the call. dir replaces the folder of the worker's file.
func (p *program) with(c *urfave.Context, dir string, f func(o *fleet.Operation) error) error {
	w, err := p.worker(c)
	if err != nil {
		return err
	}
	o, err := w.Open(c.Context, dir, fleet.RunOptions{Job: p.Job(), Log: p.Log()})
	if err != nil {
		return p.FileError(c, err)
	}
	defer o.Close()
	if !c.Bool("json") {
		p.Problems(o.Fleet.Warnings, o.Fleet.Source)
	}
	return p.FileError(c, f(o))
}

// onePipeline returns the only word of a call.
func onePipeline(c *urfave.Context) (string, error) {
	if c.Args().Len() != 1 {
		return "", cli.Usage(c.Command.HelpName+" takes the name of one pipeline",
			"pipe-worker fleet status lists the pipelines")
	}
	return c.Args().First(), nil
}

func allFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "all", Usage: "all pipelines of the fleet"}
}

// chosen returns the pipelines that a call names, or all with --all.
func chosen(c *urfave.Context, o *fleet.Operation) ([]string, error) {
	names := c.Args().Slice()
	if c.Bool("all") == (len(names) > 0) {
		return nil, cli.Usage(c.Command.HelpName+" takes names of pipelines, or --all",
			"pipe-worker fleet status lists the pipelines")
	}
	for _, p := range o.Fleet.Pipelines {
		if c.Bool("all") {
			names = append(names, p.Name)
		}
	}
	return names, nil
}
