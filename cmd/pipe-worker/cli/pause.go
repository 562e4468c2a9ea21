package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fleet"
)

func (p *program) pauseCommand() *urfave.Command {
	return &urfave.Command{
		Name: "pause", Usage: "pause the schedules of a pipeline, or let them go on",
		ArgsUsage: "PIPELINE",
		Description: "A run that goes on is not ended. The reason and your name are encrypted in the note of the " +
			"schedule; " +
			"pipe-worker fleet status shows them.",
		Flags: fileFlags(
			&urfave.StringFlag{Name: "reason", Usage: "why, for the people who look at the fleet: `TEXT`"},
			&urfave.BoolFlag{Name: "resume", Usage: "let the schedules go on"},
		),
		Action: p.pause,
	}
}

func (p *program) pause(c *urfave.Context) error {
	name, err := onePipeline(c)
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(c.String("reason"))
	if reason == "" && !c.Bool("resume") {
		return cli.Usage("a pause needs a reason", "add --reason TEXT")
	}
	return p.with(c, "", func(o *fleet.Operation) error {
		n, err := o.Pause(c.Context, name, c.Bool("resume"), p.Who(), reason)
		if c.Bool("json") {
			return p.JSON(map[string]any{"pipeline": name, "schedules": n, "paused": !c.Bool("resume")}, err)
		}
		if err != nil {
			return err
		}
		did := "paused"
		if c.Bool("resume") {
			did = "resumed"
		}
		p.Printf("%s: %s %s\n", name, did, display.Plural(n, "schedule"))
		return nil
	})
}
