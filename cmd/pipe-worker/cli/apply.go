package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fleet"
	"github.com/pipe-engine/pipe/engine/fleet/schedules"
	"github.com/pipe-engine/pipe/engine/job"
)

const planText = "Every line of schedule: in a pipeline file is one Temporal Schedule, marked as the fleet's. " +
	"Others are never " +
	"changed. A schedule that the folder does not have any more is removed with --prune."

func (p *program) planCommand() *urfave.Command {
	return &urfave.Command{
		Name: "plan", Usage: "show which schedules apply would create, change and remove",
		ArgsUsage:   "[DIR]",
		Description: planText + "\n\nExit codes: 0 nothing to change, 5 changes.",
		Flags:       fileFlags(pruneFlag()),
		Action:      func(c *urfave.Context) error { return p.plan(c, true) },
	}
}

func (p *program) applyCommand() *urfave.Command {
	return &urfave.Command{
		Name: "apply", Usage: "make Temporal Schedules from the schedule: blocks of a folder",
		ArgsUsage: "[DIR]",
		Description: planText + " Search attributes that the namespace lacks are registered. A schedule that is " +
			"paused stays " +
			"paused. With --dry-run it is plan.",
		Flags: fileFlags(pruneFlag(),
			&urfave.BoolFlag{Name: "dry-run", Usage: "change nothing; exit with 5 when there are changes"},
			&urfave.BoolFlag{Name: "yes", Usage: "do not ask"}),
		Action: func(c *urfave.Context) error { return p.plan(c, c.Bool("dry-run")) },
	}
}

func pruneFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "prune", Usage: "remove the fleet's schedules that the folder does not have any more"}
}

func (p *program) plan(c *urfave.Context, dry bool) error {
	if c.Args().Len() > 1 {
		return cli.Usage(c.Command.HelpName+" takes one folder", "name the folder with fleet.yaml")
	}
	return p.with(c, c.Args().First(), func(o *fleet.Operation) error {
		plan, err := o.Plan(c.Context, c.Bool("prune"))
		if err != nil {
			return err
		}
		if !c.Bool("json") {
			p.printPlan(plan)
		}
		if dry {
			return p.planned(c, plan)
		}
		missing := plan.Attributes.Missing
		needed := plan.Changes()+len(missing) > 0
		if needed && !c.Bool("yes") {
			if err := p.Ask(c.Context, "Apply this? Write yes: ", "yes", "--yes"); err != nil {
				return err
			}
		}
		if needed {
			err = o.Apply(c.Context, plan, func(s schedules.Step) {
				if !c.Bool("json") {
					p.Printf("%s: %s\n", s.ID, done[s.Action])
				}
			})
		}
		if c.Bool("json") {
			return p.JSON(plan, err)
		}
		if len(missing) > 0 {
			if plan.Attributes.Present() {
				p.Printf("search attributes: created\n")
			}
			p.printAttributes(plan.Attributes)
		}
		return err
	})
}

// done are the actions of a plan when they are done.
var done = map[string]string{schedules.Create: "created", schedules.Change: "changed", schedules.Remove: "removed"}

// planned ends a plan: with changes the exit code is 5.
func (p *program) planned(c *urfave.Context, plan *fleet.Planned) error {
	if c.Bool("json") {
		p.JSON(plan, nil)
	}
	if plan.Changes() > 0 || len(plan.Attributes.Missing) > 0 {
		return cli.ExitCode(job.Changes)
	}
	return nil
}

func (p *program) printPlan(plan *fleet.Planned) {
	counts := map[string]int{}
	for _, s := range plan.Steps {
		counts[s.Action]++
		switch s.Action {
		case schedules.Same:
		case schedules.Keep:
			p.Printf("  keep    %s: it is not in the folder; --prune removes it\n", s.ID)
		case schedules.Change:
			p.Printf("  change  %s: %s\n", s.ID, strings.Join(s.What, ", "))
		default:
			p.Printf("  %-6s  %s  %s\n", s.Action, s.ID, s.Cron)
		}
	}
	if len(plan.Attributes.Missing) > 0 {
		p.Printf("  create  search attributes %s\n", strings.Join(plan.Attributes.Missing, ", "))
	}
	p.Printf("fleet %s: %d to create, %d to change, %d to remove, %d unchanged\n", plan.Fleet,
		counts[schedules.Create]+min(len(plan.Attributes.Missing), 1), counts[schedules.Change],
		counts[schedules.Remove], counts[schedules.Same])
	if len(plan.Unscheduled) > 0 {
		p.Printf("without a schedule: %s\n", strings.Join(plan.Unscheduled, ", "))
	}
	if len(plan.Unlisted) > 0 {
		p.Errorf("! not in fleet.yaml: %s\n", strings.Join(plan.Unlisted, ", "))
	}
	p.printAttributes(plan.Attributes)
}

func (p *program) printAttributes(a schedules.Attributes) {
	if a.Why == "" {
		return
	}
	p.Errorf("! search attributes are not used: %s\n", display.Block(a.Why))
	if a.Command != "" {
		p.Errorf("  → register them with:\n    %s\n", display.Block(a.Command))
	}
}
