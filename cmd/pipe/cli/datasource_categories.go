package cli

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

func (a *app) datasourceCategories(c *urfave.Context) error {
	type category struct {
		Name string `json:"name"`
		Doc  string `json:"doc"`
	}
	var all []category
	var rows [][]string
	for _, one := range settings.Categories() {
		all = append(all, category{one.Name, one.Doc})
		rows = append(rows, []string{one.Name, one.Doc})
	}
	if c.Bool("json") {
		return a.printJSON(all, nil)
	}
	display.Fprintln(a.Stdout, print.Grid([]string{"datasourceCategory", "what it holds"}, rows, 2, a.colors(c)))
	return nil
}
