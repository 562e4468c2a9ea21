package cli

import (
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

func (a *app) componentsCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "components",
		Usage:       "list the parts of a pipeline file, or explain every key of one",
		ArgsUsage:   "[NAME]",
		Description: "pipe components lists them; pipe components backstage explains each key of one.",
		Action:      a.componentsAction,
	}
}

func (a *app) componentsAction(c *urfave.Context) error {
	all := pipeline.Components(a.Registry)
	if !c.Args().Present() {
		if c.Bool("json") {
			return a.printJSON(all, nil)
		}
		var rows [][]string
		for _, p := range all {
			rows = append(rows, []string{p.Name, p.Role, p.Doc})
		}
		display.Fprintf(a.Stdout, "%s\n\npipe components NAME explains every key of one.\n",
			print.Grid([]string{"name", "what", "what it does"}, rows, 3, a.colors(c)))
		return nil
	}
	i, err := pick(c, "component", len(all), func(i int) string { return all[i].Name })
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(all[i], nil)
	}
	a.printPart(all[i], a.colors(c))
	return nil
}

// pick is the one of several named things that a call names.
func pick(c *urfave.Context, noun string, n int, name func(int) string) (int, error) {
	asked := c.Args().First()
	var known []string
	for i := range n {
		if name(i) == asked {
			return i, nil
		}
		known = append(known, name(i))
	}
	hint := "pipe " + c.Command.Name + " lists them"
	if near := config.Nearest(asked, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return 0, usage{fmt.Sprintf("there is no %s %q", noun, asked), hint}
}

func (a *app) printPart(p pipeline.Component, st print.Style) {
	display.Fprintf(a.Stdout, "%s   %s\n\n", st.Bold.Render(p.Name), p.Doc)
	if len(p.Fields) == 0 {
		display.Fprintf(a.Stdout, "It takes %s.\n", pipeline.Article(p.Type))
		return
	}
	if len(p.Enum) > 0 {
		display.Fprintf(a.Stdout, "It is one of %s, or these keys:\n\n", strings.Join(p.Enum, ", "))
	}
	for _, f := range p.Fields {
		a.printField(f, "  ", st)
	}
}

// printField explains a key and those below it.
func (a *app) printField(f config.Field, indent string, st print.Style) {
	facts := st.Dim.Render(strings.Join(pipeline.Facts(f), ", "))
	display.Fprintf(a.Stdout, "%s%s  %s\n", indent, st.Bold.Render(f.Name), facts)
	display.Fprintf(a.Stdout, "%s    %s\n", indent, f.Doc)
	for _, inner := range f.Fields {
		a.printField(inner, indent+"    ", st)
	}
}
