package cli

import (
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/muesli/termenv"
	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/pipe-engine/pipe/engine/display"
)

// style is how things look; without colours everything is plain text.
type style struct {
	good, bad, dim, bold ink
}

// ink paints text so that its colours pass the writer of the output; those in
// the text itself do not.
type ink struct{ style lipgloss.Style }

// Render joins texts with blanks and paints them.
func (i ink) Render(texts ...string) string {
	return display.Paint(func(text string) string { return i.style.Render(text) }, strings.Join(texts, " "))
}

func (a *app) colors(c *urfave.Context) style {
	r := lipgloss.NewRenderer(a.stdout.(*writer).behind)
	if _, off := a.lookup("NO_COLOR"); off || c.Bool("no-color") || !terminal(a.stdout) {
		r.SetColorProfile(termenv.Ascii)
	}
	return style{
		good: ink{r.NewStyle().Foreground(lipgloss.Color("2"))},
		bad:  ink{r.NewStyle().Foreground(lipgloss.Color("1")).Bold(true)},
		dim:  ink{r.NewStyle().Faint(true)},
		bold: ink{r.NewStyle().Bold(true)},
	}
}

func terminal(w io.Writer) bool {
	if out, ok := w.(*writer); ok {
		w = out.behind
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// grid is a table without lines: the first `left` columns are text, the others
// numbers at the right edge. A cell is one line of at most display.MaxCell
// characters.
func grid(header []string, rows [][]string, left int, st style) display.Block {
	heads := make([]string, len(header))
	for i, name := range header {
		heads[i] = st.dim.Render(name)
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			cells[i] = append(cells[i], display.Short(cell, display.MaxCell))
		}
	}
	t := table.New().Border(lipgloss.HiddenBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderHeader(false).BorderColumn(false).
		Headers(heads...).Rows(cells...).
		StyleFunc(func(_, col int) lipgloss.Style {
			s := lipgloss.NewStyle().PaddingRight(2)
			if col >= left {
				s = s.Align(lipgloss.Right)
			}
			return s
		})
	var out []string
	for _, line := range strings.Split(t.Render(), "\n") {
		out = append(out, strings.TrimRight(line, " "))
	}
	return display.Block(strings.Join(out, "\n"))
}
