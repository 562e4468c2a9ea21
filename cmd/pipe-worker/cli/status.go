package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fleet"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
)

func (p *program) statusCommand() *urfave.Command {
	return &urfave.Command{
		Name: "status", Usage: "show what the pipelines of the fleet do and how their last runs ended",
		ArgsUsage: "[PIPELINE…]",
		Description: "With names it also asks the workers what a run that goes on waits for. Counts and IDs come " +
			"from Temporal; " +
			"documents and reasons are in the state store and in the log of the worker.",
		Flags:  fileFlags(),
		Action: p.status,
	}
}

func (p *program) status(c *urfave.Context) error {
	names := c.Args().Slice()
	return p.with(c, "", func(o *fleet.Operation) error {
		all, err := o.Status(c.Context, len(names) > 0, names...)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return p.JSON(map[string]any{"fleet": o.Fleet.Name, "pipelines": all}, nil)
		}
		for _, s := range all {
			p.printStatus(s)
		}
		return nil
	})
}

func (p *program) printStatus(s fleet.Status) {
	where := slices.DeleteFunc([]string{s.Team, s.Region}, func(t string) bool { return t == "" })
	p.Printf("%s  %s\n", s.Pipeline, strings.Join(where, ", "))
	switch {
	case s.PausedAll:
		p.Printf("  paused: %s\n", s.Paused)
	case s.Next.IsZero():
		p.Printf("  no schedule\n")
	default:
		p.Printf("  runs next at %s\n", display.Time(s.Next))
	}
	switch {
	case s.Workflow == "":
		p.Printf("  has never run\n")
	case s.State == "running":
		p.Printf("  running since %s%s\n", display.Time(s.Started), going(s))
	default:
		p.Printf("  %s at %s\n", s.State, display.Time(s.Ended))
	}
	if s.Failure != "" {
		p.Printf("  failure: %s\n", s.Failure)
	}
	if s.Report != nil {
		p.printReport("  last run", s.Pipeline, s.Report)
	}
}

// going returns what a run that goes on does.
func going(s fleet.Status) string {
	out := ""
	if s.Beat != nil {
		out += fmt.Sprintf(": %s, %s read, %s of %s sent", s.Beat.Act, display.Number(s.Beat.Read),
			display.Number(s.Beat.Sent), display.Number(s.Beat.ToSend))
	}
	if s.Progress != nil {
		out += ", stage " + s.Progress.Stage
		if !s.Progress.Next.IsZero() {
			out += ", asks again at " + display.Time(s.Progress.Next)
		}
	}
	if s.Attempt > 1 {
		out += fmt.Sprintf(", attempt %d", s.Attempt)
	}
	return out
}

func (p *program) printReport(head, pipeline string, r *workflows.Report) {
	text := fmt.Sprintf("%s: %s", head, r.Result)
	if r.Run != "" {
		text += ", run " + r.Run
	}
	if r.Code != "" {
		text += ", code " + r.Code
	}
	p.Printf("%s\n", text)
	if r.Refusal != "" {
		p.Printf("    refused by %s: %s, approve with pipe-worker fleet approve %s %s\n",
			strings.Join(r.Guards, ", "), display.Plural(r.Changes, "change"), pipeline, r.Refusal)
	}
	if r.Read > 0 {
		var counts []string
		for _, stream := range slices.Sorted(maps.Keys(r.Streams)) {
			counts = append(counts, display.Number(r.Streams[stream])+" "+stream)
		}
		p.Printf("    %s read; %s\n", display.Number(r.Read), strings.Join(counts, ", "))
	}
	if r.Pending+r.Paused+r.Lost > 0 {
		p.Printf("    Glean has not confirmed it: %d pending, %d paused, %d lost, asked %d times\n", r.Pending,
			r.Paused,
			r.Lost, r.Polls)
	}
}
