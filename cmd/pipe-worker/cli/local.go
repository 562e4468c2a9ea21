package cli

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/fleet"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
)

const localText = "It reads and writes the state store itself, so it needs what a worker has: the file, the " +
	"variables and the " +
	"secrets of the pipeline."

func (p *program) approveCommand() *urfave.Command {
	return &urfave.Command{
		Name: "approve", Usage: "approve the changes of a refused run, once, for 24 hours, and run",
		ArgsUsage: "PIPELINE ID",
		Description: "Shows what the refused run would have changed, stores the approval in the state store, and " +
			"asks for a run. " +
			"The worker reads the approval in the store: Temporal carries only the hint to look. " + localText,
		Flags:  fileFlags(append(cli.ApprovalFlags(), stateFlag())...),
		Action: p.approve,
	}
}

func (p *program) approve(c *urfave.Context) error {
	if c.Args().Len() != 2 {
		return cli.Usage(c.Command.HelpName+" takes a pipeline and the ID of a refused run",
			"pipe-worker fleet status shows the ID")
	}
	name, id := c.Args().Get(0), c.Args().Get(1)
	return p.local(c, name, func(o *fleet.Operation, l *fleet.Local) error {
		l.Options.Unpinned = true // nothing is started
		f, err := job.Load(c.Context, l.Options)
		if err != nil {
			return err
		}
		defer f.Close()
		enough, err := p.Approve(c, f, l.Options.State, id)
		if err != nil || !enough {
			return err
		}
		return p.hint(c, o, name)
	})
}

func (p *program) adoptCommand() *urfave.Command {
	return &urfave.Command{
		Name: "adopt", Usage: "take over a datasource that has no baseline in the state store",
		ArgsUsage: "PIPELINE",
		Description: "Shows what the datasource holds and who would find what after a run, and asks for the " +
			"number of restricted " +
			"documents. It publishes nothing. Without a terminal it prints the ID for pipe-worker fleet approve " +
			"and exits " +
			"with 4. " + localText,
		Flags:  fileFlags(append(cli.AdoptFlags(), stateFlag())...),
		Action: p.adopt,
	}
}

func (p *program) adopt(c *urfave.Context) error {
	name, err := onePipeline(c)
	if err != nil {
		return err
	}
	return p.local(c, name, func(o *fleet.Operation, l *fleet.Local) error {
		j, err := job.Open(c.Context, l.Options)
		if err != nil {
			return err
		}
		defer j.Close()
		stored, err := p.Adopt(c, j, "pipe-worker fleet approve "+name, "pipe-worker fleet run "+name)
		if err != nil || !stored {
			return err
		}
		return p.hint(c, o, name)
	})
}

func (p *program) hideCommand() *urfave.Command {
	return &urfave.Command{
		Name: "hide", Usage: "hide documents now, and keep runs from sending them again",
		ArgsUsage: "PIPELINE REF…",
		Description: "Writes the refs to the hidden list in the state store and takes the documents away at once, " +
			"as pipe hide " +
			"does. A run that goes on reads the list while it publishes. " + localText,
		Flags:  fileFlags(append(cli.HideFlags(), stateFlag())...),
		Action: p.hide,
	}
}

func (p *program) hide(c *urfave.Context) error {
	if c.Args().Len() < 2 {
		return cli.Usage(c.Command.HelpName+" takes a pipeline and refs",
			"write pipe-worker fleet hide PIPELINE component:default/payments")
	}
	return p.local(c, c.Args().First(), func(_ *fleet.Operation, l *fleet.Local) error {
		j, err := job.Open(c.Context, l.Options)
		if err != nil {
			return err
		}
		defer j.Close()
		return p.Hide(c, j, c.Args().Tail())
	})
}

// local calls a function with a pipeline and the state store.
func (p *program) local(c *urfave.Context, name string, f func(*fleet.Operation, *fleet.Local) error) error {
	return p.with(c, "", func(o *fleet.Operation) error {
		l, err := o.Local(c.Context, name)
		if err != nil {
			return err
		}
		defer l.Close()
		return p.FileError(c, f(o, l))
	})
}

// hint asks the fleet to look into the state store. The approval is stored: that no run begins now is
// not a failure.
func (p *program) hint(c *urfave.Context, o *fleet.Operation, name string) error {
	begun, err := o.Ask(c.Context, name, workflows.ByApproval, p.Who(), false)
	switch {
	case err != nil:
		p.Errorf("! the approval is stored, but no run was asked for: %v\n  → the next run of the schedule uses it\n",
			err)
	case !c.Bool("json"):
		p.Printf("%s: asked to look, workflow %s\n", name, begun.Workflow)
	}
	return nil
}
