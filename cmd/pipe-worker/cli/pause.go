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
		Name: "pause", Usage: "pause the schedules of pipelines, or let them go on",
		ArgsUsage: "PIPELINE…",
		Description: "A run that goes on is not ended. The reason and your name are encrypted in the note of the " +
			"schedule; " +
			"pipe-worker fleet status shows them.",
		Flags: fileFlags(
			&urfave.StringFlag{Name: "reason", Usage: "why, for the people who look at the fleet: `TEXT`"},
			&urfave.BoolFlag{Name: "resume", Usage: "let the schedules go on"},
			allFlag(),
		),
		Action: p.pause,
	}
}

// pausedJSON is what --json prints for one pipeline.
type pausedJSON struct {
	Pipeline  string `json:"pipeline"`
	Schedules int    `json:"schedules"`
	Paused    bool   `json:"paused"`
}

func (p *program) pause(c *urfave.Context) error {
	reason, resume := strings.TrimSpace(c.String("reason")), c.Bool("resume")
	if reason == "" && !resume {
		return cli.Usage("a pause needs a reason", "add --reason TEXT")
	}
	return p.with(c, "", func(o *fleet.Operation) error {
		names, err := chosen(c, o)
		if err != nil {
			return err
		}
		did := "paused"
		if resume {
			did = "resumed"
		}
		out := []pausedJSON{}
		for _, name := range names {
			var n int
			if n, err = o.Pause(c.Context, name, resume, p.Who(), reason); err != nil {
				break
			}
			out = append(out, pausedJSON{name, n, !resume})
			if !c.Bool("json") {
				p.Printf("%s: %s %s\n", name, did, display.Plural(n, "schedule"))
			}
		}
		if c.Bool("json") {
			return p.JSON(out, err)
		}
		return err
	})
}
