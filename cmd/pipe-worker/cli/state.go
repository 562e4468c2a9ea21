package cli

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/fleet"
	"github.com/pipe-engine/pipe/engine/state"
)

func (p *program) stateCommand() *urfave.Command {
	command := func(name, usage, description string) *urfave.Command {
		return &urfave.Command{Name: name, Usage: usage, Description: description, Flags: fileFlags(stateFlag()),
			Action: func(c *urfave.Context) error { return p.state(c, name) }}
	}
	return &urfave.Command{
		Name: "state", Usage: "set up and check the state store of a fleet",
		Subcommands: []*urfave.Command{
			command(fleet.StoreInit, "make what the state store needs",
				"A second call changes nothing. It needs the rights to make it; the workers need fewer."),
			command(fleet.StoreMigrate, "bring the state store to the version of this program",
				"Workers refuse a store that is older or newer than they are."),
			command(fleet.StoreCheck, "report whether the state store can be used", "Changes nothing."),
			p.resetCommand(),
		},
	}
}

func stateFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "state", Usage: "the `STORE`, instead of state: a folder, or the name or " +
		"address of another store"}
}

func (p *program) state(c *urfave.Context, what string) error {
	if c.Args().Present() {
		return cli.Usage(c.Command.HelpName+" takes no words", "name the file of the worker with --config FILE")
	}
	w, err := p.worker(c)
	if err != nil {
		return err
	}
	lines, err := w.StoreDo(c.Context, what, fleet.StoreSettings{Lookup: p.Lookup})
	if c.Bool("json") {
		return p.JSON(map[string]any{"store": w.StoreName(), "lines": append([]string{}, lines...)}, err)
	}
	for _, line := range lines {
		p.Printf("%s\n", line)
	}
	return err
}

func (p *program) resetCommand() *urfave.Command {
	return &urfave.Command{
		Name: "reset", Usage: "remove the state of a datasource that is damaged",
		ArgsUsage: "PIPELINE",
		Description: "Removes the baseline, the approvals and the audit ledger of the pipeline's datasource, also " +
			"where they are damaged, and keeps the hidden list where its rows are whole. Runs are refused afterwards " +
			"until pipe-worker fleet adopt. Restoring the database keeps more. " + localText,
		Flags:  fileFlags(stateFlag(), &urfave.BoolFlag{Name: "yes", Usage: "do not ask"}),
		Action: p.reset,
	}
}

// keptTexts are what is said of the hidden list after a reset.
var keptTexts = map[state.Kept]struct{ word, text string }{
	state.KeptNone:   {"none", "there was no hidden list"},
	state.KeptLatest: {"kept", "the hidden list was kept"},
	state.KeptOlder: {"unproven", "a hidden list was kept, but it may not be the latest: compare it with what you " +
		"know to be hidden"},
	state.KeptLost: {"lost", "THE HIDDEN LIST IS LOST: hide its documents again with pipe-worker fleet hide before you " +
		"adopt"},
}

func (p *program) reset(c *urfave.Context) error {
	name, err := onePipeline(c)
	if err != nil {
		return err
	}
	w, err := p.worker(c)
	if err != nil {
		return err
	}
	l, err := w.Local(c.Context, name, fleet.RunOptions{Job: p.Job(), Log: p.Log()})
	if err != nil {
		return err
	}
	defer l.Close()
	place, kept, err := l.Reset(c.Context, func(place string) error {
		if c.Bool("yes") {
			return nil
		}
		return p.Ask(c.Context, "Remove the state of "+place+"? Write "+name+": ", name, "--yes")
	})
	if err != nil {
		return p.FileError(c, err)
	}
	if c.Bool("json") {
		return p.JSON(map[string]string{"place": place, "hidden": keptTexts[kept].word}, nil)
	}
	p.Printf("removed the state of %s; %s\nRuns are refused until pipe-worker fleet adopt %s\n", place,
		keptTexts[kept].text, name)
	return nil
}
