package cli

import (
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
)

// colors is the style of standard output.
func (a *app) colors(c *urfave.Context) print.Style {
	_, off := a.lookup("NO_COLOR")
	return print.NewStyle(a.Stdout.(*writer).behind, !off && !c.Bool("no-color") && terminal(a.Stdout))
}

func terminal(w io.Writer) bool {
	if out, ok := w.(*writer); ok {
		w = out.behind
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
