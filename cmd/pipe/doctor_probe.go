package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/state"
)

// probeAction tries out a file's sink.
func (a *app) probeAction(c *cli.Context, path string) error {
	within := c.Duration("timeout")
	if within <= 0 {
		return usage{"--timeout is no time in which anything could be tried", "give it as 30m or 1h"}
	}
	l := loading{unpinned: true}
	box, err := a.sandboxFor(c.Context, c, path, &l)
	if err != nil {
		return err
	}
	defer box.close()
	d, err := a.load(c, path, l)
	if err != nil {
		return err
	}
	run := engine.NewRunID()
	sink, err := d.OpenSink(a.engineSettings(d, run, box != nil))
	if err != nil {
		return err
	}
	defer sink.Close()
	p, ok := sink.(engine.SinkProber)
	if !ok {
		return usage{d.Sink.Name + " leaves nothing open that could be tried", "leave --probe out"}
	}
	release, err := a.unfilled(c, sink.Place(), run, box != nil)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	stop := a.watch(ctx, cancel)
	if !c.Bool("yes") {
		if err := a.ask(endingWith(ctx, stop), fmt.Sprintf("This fills and empties the test datasource at %s. Write yes: ", sink.Place()), "yes", "--yes"); err != nil {
			return err
		}
	}
	answers, err := p.ProbeSink(ctx, engine.SinkProbeOptions{RunID: run, Within: within, Stop: stop,
		Asking: func(what string) { display.Fprintf(a.stderr, "asking about %s…\n", what) }})
	if a.stopped.Load() != 0 && !errors.Is(err, engine.ErrStopped) {
		err = errors.Join(engine.ErrStopped, err)
	}
	return a.printAnswers(c, answers, err)
}

// endingWith is a context that ends with stop, too.
func endingWith(ctx context.Context, stop <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-stop:
		case <-ctx.Done():
		}
	}()
	return ctx
}

// unfilled keeps runs out of a place and refuses one that a run has filled.
func (a *app) unfilled(c *cli.Context, place, run string, sandboxed bool) (release func(), err error) {
	dir, err := a.stateFolder(c, sandboxed)
	if err != nil || dir == "" {
		return func() {}, err
	}
	store, err := state.Open(dir, place)
	if err != nil {
		return nil, err
	}
	lock, err := store.Lock(run)
	var held *state.HeldError
	if errors.As(err, &held) {
		return nil, &engine.Held{Holder: held.Holder.String(), Since: held.Holder.Since, Remedy: "wait until it has ended"}
	}
	if err != nil {
		return nil, err
	}
	release = func() { _ = lock.Release() }
	base, err := store.Load()
	switch {
	case err != nil:
	case base.Condition == state.Damaged || base.Condition == state.Newer:
		err = &engine.Refusal{Guard: "probe", Reason: fmt.Sprintf("%s cannot be used (%s), and a run may have filled the datasource", base.Path, base.Problem), Remedy: "name a test datasource of the probe's own in datasource.name"}
	case base.Condition == state.Intact:
		defer base.Close()
		for stream, n := range base.Streams {
			if n > 0 {
				err = &engine.Refusal{Guard: "probe", Reason: fmt.Sprintf("the last run of %s left %d %s there", base.Pipeline, n, stream), Remedy: "name a test datasource of the probe's own in datasource.name, or empty this one"}
			}
		}
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func (a *app) printAnswers(c *cli.Context, answers []engine.ProbeAnswer, err error) error {
	if c.Bool("json") {
		if answers == nil {
			answers = []engine.ProbeAnswer{}
		}
		return a.printJSON(answers, err)
	}
	st, width := a.colors(c), 0
	for _, one := range answers {
		width = max(width, len(one.Question))
	}
	for _, one := range answers {
		mark := st.good.Render("·")
		if !one.Known {
			mark = st.bad.Render("?")
		}
		display.Fprintf(a.stdout, "%s %-*s  %s\n    %s\n", mark, width+1, one.Question+"?", st.bold.Render(one.Answer), one.Seen)
	}
	switch err { // not one that says what is left, too
	case engine.ErrStopped:
		display.Fprintln(a.stderr, "what the probe made was taken away again")
	case nil:
		display.Fprintln(a.stdout, "what the probe made was taken away again; nothing that pipe promises rests on these answers")
	}
	return err
}
