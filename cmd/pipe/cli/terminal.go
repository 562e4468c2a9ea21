package cli

import (
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/config"
)

// colors is the style of standard output.
func (a *app) colors(c *urfave.Context) print.Style {
	_, off := a.lookup("NO_COLOR")
	out := a.Stdout.(*writer)
	return print.NewStyle(out.behind, out.width(), !off && !c.Bool("no-color") && terminal(a.Stdout))
}

// render prints problems without colours.
func (a *app) render(w io.Writer, all config.Problems, source func(file string) []byte) {
	out := a.Stderr.(*writer)
	print.Problems(w, all, source, print.NewStyle(out.behind, out.width(), false))
}

// The width of lines, in columns.
const (
	leastWidth = 40
	plainWidth = 100 // where there is no terminal
	proseWidth = 100 // longer lines of prose are hard to read
)

// columns is the width of a terminal, otherwise that of what is no terminal.
func columns(w io.Writer, otherwise int) int {
	if f, is := w.(*os.File); is {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return max(n, leastWidth)
		}
	}
	return otherwise
}

func terminal(w io.Writer) bool {
	if out, ok := w.(*writer); ok {
		w = out.behind
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
