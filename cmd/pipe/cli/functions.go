package cli

import (
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/expression"
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

type Function struct {
	Name      string    `json:"name"`
	Signature string    `json:"signature"`
	Of        string    `json:"of,omitempty"` // the source that has it; "" for every pipeline
	Doc       string    `json:"doc"`
	Examples  []Example `json:"examples"`
}

type Example struct {
	Expr   string         `json:"expression"`
	Record map[string]any `json:"record,omitempty"`
	Result any            `json:"result"`
}

// Functions returns the functions of all sources' languages, sorted by name.
func Functions(r component.Registry) []Function {
	var out []Function
	for _, s := range r.Sources {
		if s.ModelKey != "" { // the functions are those of the other source
			continue
		}
		model := s.Model(s.Config()).Language()
		language, _ := expression.New(model, nil, nil)
		for _, f := range language.Functions() {
			if slices.ContainsFunc(out, func(have Function) bool { return have.Name == f.Name }) {
				continue
			}
			made := Function{Name: f.Name, Signature: f.Signature, Doc: f.Doc, Examples: []Example{}}
			if slices.ContainsFunc(model.Functions, func(own expression.Function) bool { return own.Name == f.Name }) {
				made.Of = s.Name
			}
			for _, e := range f.Examples {
				made.Examples = append(made.Examples, Example(e))
			}
			out = append(out, made)
		}
	}
	slices.SortFunc(out, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (a *app) functionsAction(c *urfave.Context) error {
	all := Functions(a.Registry)
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

func (a *app) printFunction(f Function, st print.Style) error {
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
