package cli

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/fleet"
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
	lines, err := w.StoreDo(c.Context, what, fleet.StoreSettings{Lookup: p.Lookup, Secrets: p.Secrets(), Log: p.Log()})
	if c.Bool("json") {
		return p.JSON(map[string]any{"store": w.StoreName(), "lines": append([]string{}, lines...)}, err)
	}
	for _, line := range lines {
		p.Printf("%s\n", line)
	}
	return err
}
