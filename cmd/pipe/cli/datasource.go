package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/operate"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/state"
)

func (a *app) datasourceCommand() *urfave.Command {
	replace := &urfave.BoolFlag{Name: "replace", Usage: "drop what the file does not mention; else it is kept"}
	return &urfave.Command{
		Name:  "datasource",
		Usage: "compare, set up or export the datasource in Glean",
		Subcommands: []*urfave.Command{{
			Name:      "plan",
			Usage:     "compare the datasource with the file; changes nothing",
			ArgsUsage: "FILE",
			Description: "Exit codes: 0 the datasource is as the file says, 5 there are changes, 1 failed, 2 the file or the " +
				"call is wrong.",
			Flags:  []urfave.Flag{replace},
			Action: a.datasourcePlan,
		}, {
			Name:        "apply",
			Usage:       "create the datasource, or change it to match the file",
			ArgsUsage:   "FILE",
			Description: "Shows the plan and asks, applies it, reads the datasource back and verifies it.",
			Flags:       []urfave.Flag{replace, &urfave.BoolFlag{Name: "yes", Usage: "do not ask"}},
			Action:      a.datasourceApply,
		}, {
			Name:      "export",
			Usage:     "print the datasource as a block of a pipeline file",
			ArgsUsage: "FILE [DIR]",
			Description: "Without DIR the block is printed, with its icons. With DIR it is written to " +
				"DIR/datasource.yaml, and the icons to files next to it. A pipeline file with this block has no " +
				"difference to Glean.",
			Flags: []urfave.Flag{
				&urfave.StringFlag{Name: "name", Usage: "export the datasource `NAME` of the same Glean"},
				&urfave.BoolFlag{Name: "force", Usage: "overwrite files that are there"},
			},
			Action: a.datasourceExport,
		}, {
			Name:   "categories",
			Usage:  "list the values of datasourceCategory",
			Action: a.datasourceCategories,
		}},
	}
}

// provisioner opens the sink of a file as something that can be set up. The
// sink is to be closed.
func (a *app) provisioner(c *urfave.Context) (*pipeline.Definition, component.Sink, component.Provisioner, error) {
	path, err := theFile(c, "")
	if err != nil {
		return nil, nil, nil, err
	}
	f, err := a.load(c.Context, c, path, loading{unpinned: true})
	if err != nil {
		return nil, nil, nil, err
	}
	d := f.Definition
	sink, err := d.OpenSink(f.Settings())
	if err != nil {
		return nil, nil, nil, err
	}
	p, ok := sink.(component.Provisioner)
	if !ok {
		sink.Close()
		return nil, nil, nil, usage{d.Sink.Name + " has nothing to set up", ""}
	}
	return d, sink, p, nil
}

func (a *app) datasourcePlan(c *urfave.Context) error {
	return a.withPlan(c, func(_ context.Context, _ string, plan *component.ProvisionPlan) error {
		if c.Bool("json") {
			if err := a.printJSON(planJSON(plan), nil); err != nil {
				return err
			}
		} else {
			print.Plan(a.Stdout, plan, a.colors(c))
		}
		if !plan.Empty() {
			a.next(c, "pipe datasource apply FILE")
			return exit(job.Changes)
		}
		a.next(c, "pipe run --dry-run FILE")
		return nil
	})
}

func (a *app) datasourceApply(c *urfave.Context) error {
	return a.withPlan(c, func(ctx context.Context, place string, plan *component.ProvisionPlan) error {
		if plan.New {
			dir, err := a.stateFolder(c)
			if err == nil && dir != "" {
				err = operate.Unfilled(state.Folder(dir), place)
			}
			if err != nil {
				return err
			}
		}
		nothing := plan.Empty() && len(plan.Always) == 0
		if !c.Bool("json") {
			print.Plan(a.Stdout, plan, a.colors(c))
		}
		if !nothing {
			if !c.Bool("yes") {
				if err := a.ask(ctx, "Apply this? Write yes: ", "yes", "--yes"); err != nil {
					return err
				}
			}
			if err := plan.Apply(ctx); err != nil {
				return err
			}
		}
		switch {
		case c.Bool("json"):
			return a.printJSON(planJSON(plan), nil)
		case !nothing:
			display.Fprintln(a.Stdout, "applied, read back and verified")
		}
		a.next(c, "pipe run --dry-run FILE")
		return nil
	})
}

// withPlan makes the plan of a file and calls then with it and the sink's place. Errors
// about a field of the file are shown with its line.
func (a *app) withPlan(c *urfave.Context, then func(context.Context, string, *component.ProvisionPlan) error) error {
	d, sink, p, err := a.provisioner(c)
	if err != nil {
		return err
	}
	defer sink.Close()
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	plan, err := p.PlanProvision(ctx, job.ProvisionOptions(d, c.Bool("replace")))
	if err == nil {
		err = then(ctx, sink.Place(), plan)
	}
	if a.stopped.Load() != 0 && err != nil {
		return fault.ErrStopped
	}
	err = job.Located(d, err)
	a.showProblems(c, d, err)
	return err
}
