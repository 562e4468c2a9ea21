package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

func (a *app) functionsCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "functions",
		Usage:       "list the functions of expressions, or explain one",
		ArgsUsage:   "[NAME]",
		Description: "pipe functions lists them; pipe functions related shows one with what its examples give.",
		Action:      a.functionsAction,
	}
}

func (a *app) functionsAction(c *urfave.Context) error {
	all := pipeline.Functions(a.Registry)
	if c.Args().Present() {
		i, err := pick(c, "function", len(all), func(i int) string { return all[i].Name })
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return a.printJSON(all[i], nil)
		}
		return a.printFunction(all[i], a.colors(c))
	}
	if c.Bool("json") {
		return a.printJSON(all, nil)
	}
	var rows [][]string
	for _, f := range all {
		first, _, _ := strings.Cut(f.Doc, ". ")
		rows = append(rows, []string{f.Signature, strings.TrimSuffix(first, ".")})
	}
	display.Fprintf(a.Stdout, "%s\n\npipe functions NAME shows one with examples.\n",
		print.Grid([]string{"function", "what it gives"}, rows, 2, a.colors(c)))
	return nil
}

func (a *app) printFunction(f pipeline.Function, st print.Style) error {
	display.Fprintf(a.Stdout, "%s\n", st.Bold.Render(f.Signature))
	display.Fprintf(a.Stdout, "  %s\n", f.Doc)
	if f.Of != "" {
		display.Fprintf(a.Stdout, "  Pipelines whose source is %s have it.\n", f.Of)
	}
	shown := ""
	for _, e := range f.Examples {
		result, err := codec.Marshal(e.Result)
		if err != nil {
			return err
		}
		if e.Result == nil {
			result = []byte("nil")
		}
		display.Fprintf(a.Stdout, "\n  %s\n    → %s\n", display.Block(display.Whole(display.Line(e.Expr))),
			display.Block(strings.ReplaceAll(display.Line(string(result)), `\n`, "\n      ")))
		if e.Record != nil {
			record, err := codec.Marshal(e.Record)
			if err != nil {
				return err
			}
			if text := "for " + string(record); text != shown {
				display.Fprintf(a.Stdout, "    %s\n", st.Dim.Render(text))
				shown = text
			}
		}
	}
	return nil
}
