package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/operate"
)

func (a *app) purgeCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "purge",
		Usage:     "delete everything in the datasource, and the state",
		ArgsUsage: "FILE",
		Description: "Shows what will be deleted and asks for the name of the datasource. The datasource itself " +
			"stays, because Glean's API cannot delete it. Documents hidden with pipe hide stay hidden.\n\n" +
			"Exit code 7 when Glean accepted the deletion and still counts something.",
		Flags: []urfave.Flag{&urfave.StringFlag{Name: "yes",
			Usage: "the `NAME` of the datasource, to confirm without a terminal"}},
		Action: a.purgeAction,
	}
}

func (a *app) purgeAction(c *urfave.Context) error {
	if yes := c.String("yes"); !c.Args().Present() && isFile(yes) {
		return usage{"--yes takes the name of the datasource, but was given the file " + yes,
			"write pipe purge " + yes + " --yes " + a.datasourceIn(c, yes)}
	}
	if err := noWords(c, "pipe hide FILE REF removes single documents"); err != nil {
		return err
	}
	return a.operate(c, loading{unpinned: true}, func(ctx context.Context, o *operating) error {
		inspector, can := o.Pipeline.Sink.(component.Inspector)
		if !can {
			return o.sinkCannot("cannot be emptied")
		}
		before, err := inspector.Inspect(ctx)
		if err != nil {
			return err
		}
		if yes := c.String("yes"); c.IsSet("yes") && yes != before.Place {
			return usage{fmt.Sprintf("nothing was changed: --yes names %q, but the datasource of this "+
				"file is %s", yes,
				before.Place), "write --yes " + shellWord(before.Place)}
		}
		if !c.IsSet("yes") {
			display.Fprintf(a.Stderr, "Everything in datasource %s would be deleted: %s.\n",
				before.Place, heldText(before))
			if err := a.ask(ctx, "Write its name to continue: ", before.Place, "--yes "+before.Place); err != nil {
				return err
			}
		}
		err = operate.Purge(ctx, o.Pipeline.Name, o.Pipeline.Sink, o.State, o.RunID)
		if c.Bool("json") {
			return a.printJSON(map[string]any{"datasource": before.Place, "before": before.Streams, "empty": err == nil}, err)
		}
		if err == nil {
			display.Fprintf(a.Stdout,
				"datasource %s is empty; the next run fills it without a comparison; hidden documents stay hidden\n",
				before.Place)
		}
		return err
	})
}

// datasourceIn returns the name of the datasource that a pipeline file fills, NAME if it is
// not known.
func (a *app) datasourceIn(c *urfave.Context, path string) string {
	d, err := a.parse(c, path, loading{lenient: true, unpinned: true})
	if err != nil {
		return "NAME"
	}
	return cmp.Or(d.PlaceName(), "NAME")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// heldText describes in a sentence what a place holds.
func heldText(i *component.Inspection) string {
	text := ""
	for _, s := range i.Streams {
		if text != "" {
			text += ", "
		}
		if s.Uploaded == nil {
			text += "unknown " + s.Stream
		} else {
			text += display.Number(*s.Uploaded) + " " + s.Stream
		}
	}
	return text
}
