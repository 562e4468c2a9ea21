package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/operate"
)

// operating is a job with the refs of a call, for commands that act on a sink's contents
// outside a run.
type operating struct {
	*job.Job
	refs []string // the words after the file
}

// operate opens a pipeline and passes it on. It shows errors about a field of the file with
// its line.
func (a *app) operate(c *urfave.Context, l loading, then func(context.Context, *operating) error) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	j, err := a.open(c.Context, c, path, l)
	if err != nil {
		return err
	}
	defer j.Close()
	o := &operating{Job: j}
	if o.refs, err = j.WholeRefs(c.Args().Tail()); err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	err = then(ctx, o)
	if a.stopped.Load() != 0 && errors.Is(err, context.Canceled) {
		return fault.ErrStopped
	}
	err = job.Located(j.Definition, err)
	a.showProblems(c, j.Definition, err)
	return err
}

// selecting returns the arguments of operate.Select.
func (o *operating) selecting(a *app, stop <-chan struct{}) operate.SelectOptions {
	return operate.SelectOptions{Refs: o.refs, RunID: o.RunID, By: a.who(), State: o.State, Log: a.log, Stop: stop}
}

// noWords refuses words after the file.
func noWords(c *urfave.Context, hint string) error {
	if c.Args().Len() > 1 {
		return usage{c.Command.HelpName + " takes one file and nothing else", hint}
	}
	return nil
}

// needsRefs refuses a call without words after the file.
func needsRefs(c *urfave.Context) error {
	if c.Args().Len() < 2 {
		path := c.Args().First()
		if path == "" {
			path = "pipelines/backstage.yaml"
		}
		return usage{c.Command.HelpName + " needs a pipeline file and refs",
			"write " + c.Command.HelpName + " " + path + " component:default/payments"}
	}
	return nil
}

// sinkCannot is that a sink lacks a capability.
func (o *operating) sinkCannot(what string) error {
	return usage{"the sink " + o.Definition.Sink.Name + " " + what, ""}
}
