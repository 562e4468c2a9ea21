package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/operate"
)

func (a *app) pushCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "push",
		Usage:     "send single entities now, without a run",
		ArgsUsage: "FILE REF…",
		Description: fmt.Sprintf("Reads the entities, all users and all groups, applies the transforms, mapping and rules "+
			"of a "+
			"run, and sends the documents with the users and groups that they name. Sends nothing when part of it would not "+
			"be delivered, when another state folder wrote to the datasource last, or without a usable baseline (exit code "+
			"4). At most %d entities; a run, with its guards, sends more.", operate.MostPushed),
		Flags:  []urfave.Flag{allowUnpinned()},
		Action: a.pushAction,
	}
}

type pushedJSON struct {
	Documents []pushedDocument `json:"documents"`
	Sent      map[string]int   `json:"sent"` // by stream
	Notes     []string         `json:"notes"`
}

type pushedDocument struct {
	Ref      string `json:"ref"`
	ID       string `json:"id"`
	Type     string `json:"type"`
	Audience string `json:"audience"`
	Rule     string `json:"rule"`
	// Named are the principals of a document with the audience listed.
	Named []string `json:"named"`
}

func (a *app) pushAction(c *urfave.Context) error {
	if err := needsRefs(c); err != nil {
		return err
	}
	if n := c.Args().Len() - 1; n > operate.MostPushed {
		return usage{fmt.Sprintf("push sends at most %d entities, but there are %d", operate.MostPushed, n),
			"pipe run FILE sends more, with its guards"}
	}
	return a.operate(c, loading{}, func(ctx context.Context, o *operating) error {
		_, pushed, err := operate.Push(ctx, o.Pipeline, o.selecting(a, nil))
		if pushed == nil || err != nil && len(pushed.Sent) == 0 {
			return err
		}
		out := pushedJSON{Documents: []pushedDocument{}, Sent: pushed.Sent, Notes: append([]string{}, pushed.Notes...)}
		for _, item := range pushed.Told {
			if s, _ := o.Pipeline.Stream(item.Stream); !s.Permissions {
				continue
			}
			out.Documents = append(out.Documents,
				pushedDocument{item.Ref, item.ID, item.Type, item.Audience.String(), item.Rule,
					append([]string{}, pushed.Named[item.ID]...)})
		}
		out.Notes = append(out.Notes,
			"the next run replaces what was sent here: it deletes an entity that the source no longer has, and a "+
				"run under way on another machine may delete one that it did not read")
		if c.Bool("json") {
			return a.printJSON(out, err)
		}
		for _, d := range out.Documents {
			display.Fprintf(a.Stdout, "%s: sent, found within some minutes by %s (rule %s)\n", d.Ref,
				audienceText(d.Audience, d.Named), d.Rule)
		}
		for _, s := range o.Definition.Streams {
			if n := out.Sent[s.Name]; n > 0 && s.Identities {
				display.Fprintf(a.Stdout, "  before it, %s %s that differ from the last run\n", display.Number(n),
					s.Name)
			}
		}
		if n := out.Sent["memberships"]; n > 0 {
			display.Fprintf(a.Stdout, "  before it, %s; the next run removes members who left a group\n",
				display.Plural(n, "membership"))
		}
		for _, n := range out.Notes {
			display.Fprintf(a.Stdout, "! %s\n", display.Indent(n, "    "))
		}
		return err
	})
}
