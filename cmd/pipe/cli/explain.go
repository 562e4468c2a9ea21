package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/explain"
)

func (a *app) explainCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "explain",
		Usage:     "show how one entity becomes a document, and who finds it",
		ArgsUsage: "FILE REF",
		Description: "Does what a run does, up to sending, for one entity. REF may be a part of a ref, such as " +
			"checkout or component:checkout, where only one entity matches.\n\n" +
			"With --server or --token-file a running pipe serve explains what it has read. FILE may then be the name of the " +
			"pipeline. The token needs the role inspect; without --token-file it is in the variable " + tokenVariable + ".",
		Flags: append(append([]urfave.Flag{
			&urfave.StringFlag{Name: "as",
				Usage: "show whether this person finds it, and why: an `E-MAIL` or the ref of a user"},
			&urfave.BoolFlag{Name: "record", Usage: "also print the whole record"},
		}, sourceFlags()...), serverFlags()...),
		Action: a.explainRecord,
	}
}

func (a *app) explainRecord(c *urfave.Context) error {
	if asksServer(c) {
		return a.explainAtServer(c)
	}
	path, err := theFile(c, " component:default/checkout")
	if err != nil {
		return err
	}
	if c.Args().Len() != 2 {
		return usage{"pipe explain needs a file and one ref", "write pipe explain " + path + " component:default/checkout"}
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	w, err := a.openWatched(ctx, c, path)
	if err != nil {
		return err
	}
	defer w.Close()
	t := explain.New(w.Pipeline, explain.NewMatcher(w.Pipeline.Model, c.Args().Get(1)).Matches)
	if err := a.watchRun(ctx, c, w, t); err != nil {
		return err
	}
	ref, err := w.pickRef(c.Args().Get(1), t.Refs())
	if err != nil {
		return err
	}
	e := explain.Record(w.Definition, t, t.Journey(ref))
	if who := strings.TrimSpace(c.String("as")); who != "" {
		answer := t.Finds(t.Journey(ref), who)
		e.Answer = &answer
	}
	if c.Bool("json") {
		return a.printJSON(e, nil)
	}
	print.Explanation(a.Stdout, e, c.Bool("record"), a.colors(c))
	return nil
}
