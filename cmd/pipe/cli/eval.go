package cli

import (
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

func (a *app) evalCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "eval",
		Usage:     "evaluate an expression on an entity",
		ArgsUsage: "FILE EXPRESSION",
		Description: "The expression sees the record after the transforms, the names under define, vars, and what " +
			"lookup finds in a run. Put it in single quotes to protect it from the shell.",
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "ref", Usage: "the record, by its `REF` or a part of it (default: the first ten records)"},
		}, sourceFlags()...),
		Action: a.evalAction,
	}
}

func (a *app) evalAction(c *urfave.Context) error {
	path, err := theFile(c, " 'metadata.title' --ref component:default/checkout")
	if err != nil {
		return err
	}
	if c.Args().Len() != 2 {
		return usage{"pipe eval needs a file and one expression",
			"write pipe eval " + path + " 'metadata.title' --ref component:default/checkout, the expression in single quotes"}
	}
	text := c.Args().Get(1)
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	w, err := a.openWatched(ctx, c, path)
	if err != nil {
		return err
	}
	defer w.Close()
	program, wrong := w.Definition.Language.Compile(text, expression.WantAny)
	if wrong != nil {
		return a.evalProblem(c, w.Definition, text,
			config.Problem{Pos: config.Pos{File: expressionFile, Line: wrong.Line, Col: wrong.Col + 1}, Width: wrong.Width,
				Code: wrong.Code, Message: wrong.Message, Hint: wrong.Hint})
	}
	asked := c.String("ref")
	want, most := func(string) bool { return true }, mostEvaluated
	if asked != "" {
		most = 0
		want = explain.NewMatcher(w.Pipeline.Model, asked).Matches
	}
	o := explain.NewEvaluator(w.Pipeline, program, most, want)
	if err := a.watchRun(ctx, c, w, o); err != nil {
		return err
	}
	if asked == "" {
		return a.printEvaluated(c, o)
	}
	ref, err := w.pickRef(asked, o.Refs())
	if err != nil {
		return err
	}
	return a.printValue(c, w.Definition, text, o.Result(ref))
}

// expressionFile is the file name of the call's expression in positions.
const expressionFile = "EXPRESSION"

// evalProblem renders a problem of the expression.
func (a *app) evalProblem(c *urfave.Context, d *pipeline.Definition, text string, p config.Problem) error {
	problems := config.Problems{p}
	if !c.Bool("json") {
		a.render(a.Stderr, problems, func(file string) []byte {
			if file == expressionFile {
				return []byte(text)
			}
			return d.Document.Source()
		})
		a.shown = true
	}
	return problems
}

// printValue prints the result of the expression for one record.
func (a *app) printValue(c *urfave.Context, d *pipeline.Definition, text string, one explain.Evaluated) error {
	var bad *expression.RuntimeError
	if errors.As(one.Err, &bad) {
		p := config.Problem{Pos: config.Pos{File: expressionFile, Line: bad.Line, Col: bad.Col + 1},
			Code: expression.CodeNoValue, Message: "it has no value for " + one.Ref + ": " + bad.Message,
			Hint: "in a run this rejects the record"}
		if define, ok := d.File.Define.Get(bad.Define); ok {
			p.Pos = define.Pos(bad.Line, bad.Col)
		}
		return a.evalProblem(c, d, text, p)
	}
	if one.Err != nil {
		return one.Err
	}
	if c.Bool("json") {
		return a.printJSON(one, nil)
	}
	if one.Note != "" {
		display.Fprintf(a.Stderr, "! %s\n", one.Note)
	}
	switch v := one.Value.(type) {
	case nil:
		display.Fprintln(a.Stdout, "nil")
	case string:
		display.Fprintln(a.Stdout, display.Block(display.Whole(display.Lines(v))))
	default:
		b, err := codec.MarshalIndent(v)
		if err != nil {
			return err
		}
		display.Fprintln(a.Stdout, display.Block(display.Whole(display.Lines(string(b)))))
	}
	return nil
}

// mostEvaluated is how many records are shown without --ref.
const mostEvaluated = 10

func (a *app) printEvaluated(c *urfave.Context, o *explain.Evaluator) error {
	all, total := o.Results()
	if c.Bool("json") {
		return a.printJSON(map[string]any{"total": total, "records": all}, nil)
	}
	var rows [][]string
	for _, one := range all {
		value := print.Short(one.Value, print.ValueWidth)
		if one.Value == nil {
			value = "nil"
		}
		if one.Err != nil {
			value = "(" + one.Error + ")"
		}
		rows = append(rows, []string{one.Ref, value})
	}
	display.Fprintln(a.Stdout, print.Grid([]string{"ref", "value"}, rows, 2, a.colors(c)))
	if total > len(all) {
		display.Fprintf(a.Stdout, "… %s of %s; --ref REF shows one of them\n", display.Number(len(all)),
			display.Number(total))
	}
	return nil
}
