package cli

import (
	"context"
	"errors"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/operate"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/run"
)

// operating is what a command works with that acts on what a sink holds, beside
// a run.
type operating struct {
	d     *pipeline.Definition
	p     *component.Pipeline
	refs  []string // the words after the file
	state string   // the folder, "" for none
	runID string
}

// operate opens a pipeline, hands it on, and shows errors that
// follow from a field of the file with its line.
func (a *app) operate(c *urfave.Context, l loading, then func(context.Context, *operating) error) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	d, err := a.load(c, path, l)
	if err != nil {
		return err
	}
	o := &operating{d: d, refs: slices.Clone(c.Args().Tail()), runID: run.NewRunID()}
	p, closePipeline, err := d.Open(a.engineSettings(d, o.runID, false))
	if err != nil {
		return err
	}
	defer closePipeline()
	o.p = p
	if o.state, err = a.stateFolder(c, false); err != nil {
		return err
	}
	if err := o.wholeRefs(); err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	err = then(ctx, o)
	if a.stopped.Load() != 0 && errors.Is(err, context.Canceled) {
		return fault.ErrStopped
	}
	err = a.located(d, err)
	a.showProblems(c, d, err)
	return err
}

// selecting is what operate.Select is asked for.
func (o *operating) selecting(a *app, stop <-chan struct{}) operate.SelectOptions {
	return operate.SelectOptions{Refs: o.refs, RunID: o.runID, State: o.state, Log: a.log, Stop: stop}
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
		return usage{c.Command.HelpName + " needs a pipeline file and refs", "write " + c.Command.HelpName + " " + path + " component:default/payments"}
	}
	return nil
}

// sinkCannot is that a sink lacks a capability.
func (o *operating) sinkCannot(what string) error {
	return usage{"the sink " + o.d.Sink.Name + " " + what, ""}
}
