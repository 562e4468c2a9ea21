package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/display"
)

func (a *app) hideCommand() *cli.Command {
	return &cli.Command{
		Name:      "hide",
		Usage:     "take documents away now, and keep runs from bringing them back",
		ArgsUsage: "FILE REF…",
		Description: "Takes a document's permissions away, deletes it, and looks whether it is gone. The ref is remembered in the state\n" +
			"folder: runs with that state withhold it until it is let back with --unhide. The source is asked only for refs that the\n" +
			"last good run did not deliver. Exit codes as of run; 7 when Glean does not say yet that it is gone.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "unhide", Usage: "let it back: the next run delivers it, as the rules say"},
			&cli.BoolFlag{Name: "unseen", Usage: "remember also a ref that nobody has yet"}, allowUnpinned()},
		Action: a.hideAction,
	}
}

type hiddenJSON struct {
	Ref   string   `json:"ref"`
	Types []string `json:"types"` // of the documents that were there
	Gone  bool     `json:"gone"`
	Notes []string `json:"notes"`
	Error string   `json:"error,omitempty"`
}

func (a *app) hideAction(c *cli.Context) error {
	if err := needsRefs(c); err != nil {
		return err
	}
	return a.operate(c, engine.ForHiding, loading{}, func(ctx context.Context, o *operating) error {
		if o.state == "" {
			return usage{"nothing was hidden: it could not be remembered, and the next run would bring it back", "name the folder of the runs' state with --state DIR; without one, have a permission rule of the file keep it from everybody"}
		}
		if c.Bool("unhide") {
			return a.unhide(c, o)
		}
		if err := o.haveDocuments(); err != nil {
			return err
		}
		all, err := engine.Hide(ctx, o.p, engine.HideOptions{SelectOptions: o.selecting(a, nil), By: a.who(), Unseen: c.Bool("unseen")})
		if err != nil && all == nil {
			return err
		}
		out := []hiddenJSON{}
		for _, h := range all {
			one := hiddenJSON{Ref: h.Ref, Types: append([]string{}, h.Types...), Gone: h.Err == nil, Notes: append([]string{}, h.Notes...)}
			if h.Unknown && !c.Bool("unseen") {
				h.Err, one.Gone = o.unknownRef(h.Ref), false
			}
			if h.Err != nil {
				one.Error = h.Err.Error()
				err = errors.Join(err, fmt.Errorf("%s: %w", h.Ref, h.Err))
			}
			out = append(out, one)
		}
		if c.Bool("json") {
			return a.printJSON(out, err)
		}
		for i, h := range out {
			if !all[i].Unknown || c.Bool("unseen") {
				a.printHidden(o, h)
			}
		}
		return err
	})
}

func (a *app) printHidden(o *operating, h hiddenJSON) {
	what := h.Ref
	if o.isIdentity(h.Ref) {
		what = "the page of " + h.Ref
	}
	switch {
	case h.Error != "":
		display.Fprintf(a.stdout, "%s: remembered as hidden; see below\n", what)
	case len(h.Types) == 0:
		display.Fprintf(a.stdout, "%s: it was not there; it is remembered as hidden\n", what)
	default:
		display.Fprintf(a.stdout, "%s: gone, and hidden until `pipe hide --unhide`\n", what)
	}
	for _, n := range h.Notes {
		display.Fprintf(a.stdout, "  ! %s\n", display.Indent(n, "    "))
	}
}

func (a *app) unhide(c *cli.Context, o *operating) error {
	if err := engine.Unhide(o.p, o.selecting(a, nil)); err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(o.refs, nil)
	}
	for _, ref := range o.refs {
		display.Fprintf(a.stdout, "%s: no longer hidden; the next run delivers it as the rules say, `pipe push` does now\n", ref)
	}
	return nil
}

// who is the person at the keyboard, as far as the environment says.
func (a *app) who() string {
	host, _ := os.Hostname()
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v, _ := a.env(name); v != "" {
			return v + "@" + host
		}
	}
	return host
}
