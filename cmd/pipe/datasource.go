package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine"
)

func (a *app) datasourceCommand() *cli.Command {
	return &cli.Command{
		Name:  "datasource",
		Usage: "set up the datasource that the pipeline fills",
		Subcommands: []*cli.Command{{
			Name:        "apply",
			Usage:       "make the datasource, or bring it to what the file says",
			ArgsUsage:   "FILE",
			Description: "Shows what would change and asks. What the file does not mention is kept as it is.",
			Flags:       []cli.Flag{&cli.BoolFlag{Name: "yes", Usage: "do not ask"}},
			Action:      a.datasourceApply,
		}},
	}
}

func (a *app) datasourceApply(c *cli.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	d, err := a.load(c, path, loading{unpinned: true})
	if err != nil {
		return err
	}
	sink, err := d.OpenSink(a.engineSettings(d, engine.NewRunID(), false))
	if err != nil {
		return err
	}
	defer sink.Close()
	p, ok := sink.(engine.Provisioner)
	if !ok {
		return usage{d.Sink.Name + " has nothing to set up", ""}
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	plan, err := p.PlanProvision(ctx)
	if err != nil {
		return err
	}
	changed := len(plan) > 0
	if changed {
		if err := a.agreeTo(ctx, c, plan); err != nil {
			return err
		}
		if err := p.Provision(ctx); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return a.printJSON(map[string]any{"changed": changed, "plan": plan}, nil)
	}
	if changed {
		fmt.Fprintln(a.stdout, "done, and read back")
	} else {
		fmt.Fprintln(a.stdout, "nothing to change: the datasource is as the file says")
	}
	return nil
}

// agreeTo shows a plan and asks, unless --yes was given.
func (a *app) agreeTo(ctx context.Context, c *cli.Context, plan []string) error {
	for _, line := range plan {
		fmt.Fprintf(a.stderr, "  %s\n", line)
	}
	if c.Bool("yes") {
		return nil
	}
	fmt.Fprint(a.stderr, "Go on? Write yes: ")
	answers := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		answers <- line
	}()
	var answer string
	select {
	case answer = <-answers:
	case <-ctx.Done():
		return engine.ErrStopped
	}
	if strings.TrimSpace(answer) != "yes" {
		fmt.Fprintln(a.stderr)
		return usage{"nothing was changed", "answer yes, or add --yes where nobody can answer"}
	}
	return nil
}
